"""One small service that speaks enough of every vendor's API for the programs in `reports/`, over plain HTTP/1.1."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "quark"}}
_CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [_CHOICE]}
_PART = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
_TOKEN = {"index": 0, "finish_reason": None, "delta": {"role": "assistant", "content": "quark "}}
_GEMINI = {"candidates": [{"content": {"role": "model", "parts": [{"text": "quark"}]}, "index": 0}]}
_EMBEDDING = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.1] * 8}]}
_APPLICATION = {
    "name": "quark",
    "description": "",
    "icon": None,
    "bot_public": True,
    "bot_require_code_grant": False,
    "verify_key": "",
    "owner": {"id": "1", "username": "q", "discriminator": "0", "avatar": None},
}
_TIME = "2026-01-01T00:00:00Z"
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
_ANSWERS: dict[str, Any] = {
    "/chat/completions": {**_CHAT, "usage": _USAGE},
    "/embeddings": {**_EMBEDDING, "usage": {"prompt_tokens": 1, "total_tokens": 1}},
    "/v1/messages": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "quark"}],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    ":generateContent": _GEMINI,
    "/collections": {"result": {"collections": [{"name": "docs"}]}, "status": "ok", "time": 0.0},
    "/_search": {"took": 1, "timed_out": False, "hits": {"hits": []}},
    "/kv/k": {"etag": "e", "key": "k", "value": "quark", "last_modified": _TIME, "locked": False, "tags": {}},
    "/ping": {},
    "/time": {"serverTime": 1},
    "/namespaces": {"items": []},
    "/version": {"ApiVersion": "1.41", "Version": "1"},
    "/users/@me": {"id": "1", "username": "quark", "discriminator": "0", "avatar": None},
    "/oauth2/applications/@me": {"id": "1", **_APPLICATION},
    "/getMe": {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "quark", "username": "q"}},
    "/predictions": {
        "id": "p",
        "model": "a/b",
        "version": "v",
        "input": {},
        "output": ["quark"],
        "status": "succeeded",
        "created_at": _TIME,
        "started_at": _TIME,
        "completed_at": _TIME,
        "urls": {"get": "x", "cancel": "x"},
        "logs": "",
        "error": None,
        "source": "api",
        "metrics": {},
    },
    "/api/chat": {"model": "m", "created_at": _TIME, "message": {"role": "assistant", "content": "q"}, "done": True},
    "/api/embed": {"model": "m", "embeddings": [[0.1] * 8], "prompt_eval_count": 1},
    "/v2/chat": {
        "id": "c",
        "finish_reason": "COMPLETE",
        "prompt": "hi",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "quark"}]},
    },
    "/": {"name": "n", "cluster_name": "c", "version": {"number": "9.0.0", "build_flavor": "default"}},
}
"""The end of a path, and what is answered; everything else is an empty object."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "streamGenerateContent" in path or b'"stream":true' in body.replace(b" ", b""):
            part = _GEMINI if "Gemini" in path or "generate" in path.lower() else {**_PART, "choices": [_TOKEN]}
            self._stream(f"data: {json.dumps(part)}\n\n".encode(), endless=b"endless" in body)
            return
        answer: Any = next((each for end, each in _ANSWERS.items() if path.endswith(end)), {})
        text = json.dumps(answer).encode()
        self._head("application/vnd.microsoft.appconfig.kv+json" if "/kv/" in path else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - the name that the base class looks up

    def _head(self, media: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("X-Elastic-Product", "Elasticsearch")

    def _stream(self, part: bytes, *, endless: bool) -> None:
        self._head("text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(1000 if endless else 3):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            time.sleep(0.005)  # as tokens come: nothing waits for it
        done = b"" if b"candidates" in part else b"e\r\ndata: [DONE]\n\n\r\n"
        self.wfile.write(done + b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Stays silent."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A program that goes away is what the tests are about."""


@contextlib.contextmanager
def service() -> Iterator[str]:
    """Runs the service; gives its address."""
    with _Server(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_address[1]}"
        finally:
            running.shutdown()
            thread.join()
