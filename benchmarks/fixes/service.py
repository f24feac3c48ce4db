"""One service on loopback for all programs: it answers with what it was asked, and notes every request of a case.

Programs find it under `SERVICE`, and SDKs under their own variables. Everything before `/c/CASE` belongs to no case.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PAUSE = 0.005
"""Seconds between the parts of a stream, as tokens come; nothing waits for them."""


class EchoService:
    """The running service, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._noted: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()

    def variables(self, case: str) -> dict[str, str]:
        """Returns the variables that lead a program here."""
        base = f"http://127.0.0.1:{self.port}/c/{case}"
        keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "GEMINI_API_KEY", "REPLICATE_API_TOKEN")
        return {
            **dict.fromkeys(keys, "none"),
            "SERVICE": base,
            "OPENAI_BASE_URL": f"{base}/v1",
            "ANTHROPIC_BASE_URL": base,
            "GROQ_BASE_URL": base,
            "GOOGLE_GEMINI_BASE_URL": base,
        }

    def note(self, case: str, request: str) -> None:
        """Notes a request."""
        with self._lock:
            self._noted[case].append(request)

    def taken(self, case: str) -> list[str]:
        """Returns the requests of a case in their order, and forgets them."""
        with self._lock:
            return self._noted.pop(case, [])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: EchoService

    def handle_error(self, *_: object) -> None:
        """A program that goes away is what this is about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        _, _, case, path = self.path.partition("?")[0].split("/", 3)
        content = json.loads(body) if body.startswith((b"{", b"[")) else body.decode()
        text = question(content)
        self.server.service.note(case, f"{self.command} /{path} {text}".strip())
        streamed = isinstance(content, dict) and content.get("stream")
        if streamed or path.startswith("stream") or "streamGenerateContent" in path:
            self._stream(parts(path, text))
            return
        status = int(path.removeprefix("status/")) if path.startswith("status/") else 200
        encoded = json.dumps(answer(path, text)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    do_POST = do_GET  # noqa: N815 - the name that the base class looks up

    def _stream(self, lines: list[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in lines:
            encoded = line.encode()
            self.wfile.write(b"%x\r\n%b\r\n" % (len(encoded), encoded))
            time.sleep(PAUSE)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Stays silent."""


def question(content: Any) -> str:
    """Returns what is asked in a body of any SDK."""
    match content:
        case {"messages": [*_, {"content": str(text)}]} | {"prompt": str(text)} | {"input": {"prompt": str(text)}}:
            return text
        case {"input": text}:
            return str(text)
        case {"contents": [*_, {"parts": [{"text": str(text)}, *_]}]}:
            return text
        case str(text):
            return text
    return json.dumps(content, sort_keys=True)


def answer(path: str, text: str) -> dict[str, Any]:
    """Returns the body of an answer."""
    said = f"answer to {text}"
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "input_tokens": 1, "output_tokens": 1}
    if path.endswith("chat/completions"):
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    if path.endswith("embeddings"):
        data = [{"object": "embedding", "index": 0, "embedding": [float(len(text))]}]
        return {"object": "list", "model": "m", "data": data, "usage": usage}
    if path.endswith("messages"):
        head = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
        return {**head, "content": [{"type": "text", "text": said}], "usage": usage}
    if "generateContent" in path:
        return {"candidates": [{"content": {"role": "model", "parts": [{"text": said}]}, "index": 0}]}
    if path.endswith("predictions"):
        when = "2026-01-01T00:00:00Z"
        head = {"id": "p", "model": "a/b", "version": "v", "status": "succeeded", "source": "api", "logs": ""}
        times = dict.fromkeys(("created_at", "started_at", "completed_at"), when)
        return {**head, **times, "input": {}, "output": [said], "urls": {"get": "x", "cancel": "x"}, "error": None}
    return {"path": path, "text": text}


def parts(path: str, text: str) -> list[str]:
    """Returns the parts of a stream: twenty words, and the end that the SDK waits for."""
    words = [f"{number} " for number in range(20)]
    if "chat/completions" in path:
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        deltas = [
            {"index": 0, "finish_reason": None, "delta": {"role": "assistant", "content": word}} for word in words
        ]
        return [*(f"data: {json.dumps({**head, 'choices': [each]})}\n\n" for each in deltas), "data: [DONE]\n\n"]
    if "streamGenerateContent" in path:
        return [f"data: {json.dumps(answer('generateContent', f'{text} {word}'))}\n\n" for word in words]
    return [f"{word.strip()}\n" for word in words]


@contextlib.contextmanager
def serving() -> Iterator[EchoService]:
    """Runs the service."""
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.service = EchoService(running.server_address[1])
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield running.service
        finally:
            running.shutdown()
            thread.join()
