"""One shared client, asked from sync code and inside two other loops in turn; needs the openai SDK.

`shared_client.py documented`: through `run_sync` as document 000 has it, which inside a running loop gives the bare
coroutine back. `shared_client.py ours`: through `diagnostics.async_tools`. Prints each answer, or the error's causes.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from openai import AsyncOpenAI

from diagnostics import async_tools

MESSAGE = {"role": "assistant", "content": "answer"}
ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": MESSAGE}],
}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


kept: asyncio.AbstractEventLoop | None = None


def documented(coroutine: Any) -> Any:
    global kept
    try:
        running: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if running and running.is_running():
        return coroutine
    if kept is None:
        kept = asyncio.new_event_loop()
        threading.Thread(target=kept.run_forever, daemon=True).start()
    return asyncio.run_coroutine_threadsafe(coroutine, kept).result()


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.server_port}", api_key="none", max_retries=0)
run_sync: Any = documented if sys.argv[1] == "documented" else async_tools.run_sync


async def ask() -> str | None:
    completion = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "?"}])
    return completion.choices[0].message.content


async def inside() -> None:
    try:
        print("inside:", await run_sync(ask()))
    except Exception as error:
        causes: list[BaseException] = [error]
        while cause := causes[-1].__cause__ or causes[-1].__context__:
            causes.append(cause)
        print("inside:", repr(causes[-1]))


print("outside:", run_sync(ask()))
asyncio.run(inside())
asyncio.run(inside())
if run_sync is not documented:
    run_sync(client.close())
