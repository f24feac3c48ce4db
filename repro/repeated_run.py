# /// script
# requires-python = ">=3.10"
# dependencies = ["openai"]
# ///
"""One AsyncOpenAI client, used in several calls of asyncio.run.

The pooled connections belong to the loop that opened them. The next asyncio.run writes its requests to them: that
works, and they reach the server. Then reading the answer raises "Event loop is closed", and so does closing the
connection after that, so no caller gets the answer. Whether the SDK sends the call again depends on its release.
"""

# What it prints. CHECK-HTTPX is for openai 1.x and 2.x, CHECK-HTTPX2 for 3.x; {{...}} is a regular expression.
# CHECK-HTTPX: python {{[0-9.]+}}, openai {{[12][.][0-9.]+}}, httpx {{[0-9.]+}}, httpcore {{[0-9.]+}}, anyio
# CHECK-HTTPX2: python {{[0-9.]+}}, openai {{[0-9.]+}}, httpx2 {{[0-9.]+}}, httpcore2 {{[0-9.]+}}, anyio
# CHECK: one client, max_retries=0, 3 x asyncio.run with 5 calls
# CHECK: run 1: 5 answers, 0 raised, 0 logged; server: 5 requests (0 retried), {{[1-5]}} new connections
# CHECK: run 2: 0 answers, 5 raised, 0 logged; server: 5 requests (0 retried), 0 new connections
# CHECK-HTTPX: 5 x raised: APIConnectionError: Connection error. [openai/_base_client.py:{{[0-9]+}} {{_?request}}]
# CHECK-HTTPX2: 5 x raised:
# CHECK: RuntimeError: Event loop is closed [anyio/_backends/_asyncio.py:{{[0-9]+}} aclose]
# CHECK: <- RuntimeError: Event loop is closed [anyio/_backends/_asyncio.py:{{[0-9]+}} receive]
# CHECK: run 3: 5 answers, 0 raised, 0 logged; server: 5 requests (0 retried), {{[1-5]}} new connections
# CHECK: one client, max_retries=2, 3 x asyncio.run with 5 calls
# CHECK: run 1: 5 answers, 0 raised, 0 logged; server: 5 requests (0 retried), {{[1-5]}} new connections
# CHECK-HTTPX: run 2: 5 answers, 0 raised, 0 logged; server: 10 requests (5 retried), {{[1-5]}} new connections
# CHECK-HTTPX: run 3: 5 answers, 0 raised, 0 logged; server: {{[6-9]|10}} requests ({{[1-5]}} retried)
# CHECK-HTTPX: RESULT: raised=5 logged=0 retried={{[6-9]|10}} lost={{1[1-5]}} other=0 answers=25 calls=30
# CHECK-HTTPX2: run 2: 0 answers, 5 raised, 0 logged; server: 5 requests (0 retried), 0 new connections
# CHECK-HTTPX2: 5 x raised: RuntimeError: Event loop is closed
# CHECK-HTTPX2: run 3: 5 answers, 0 raised, 0 logged; server: 5 requests (0 retried), {{[1-5]}} new connections
# CHECK-HTTPX2: RESULT: raised=10 logged=0 retried=0 lost=10 other=0 answers=20 calls=30

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import importlib.metadata
import itertools
import logging
import os
import platform
import queue
import re
import selectors
import socket
import sys
import threading
import time
import traceback
import warnings
from collections import Counter

try:
    from openai import AsyncOpenAI

    MISSING = None
except ImportError as error:
    MISSING = error


def main() -> int:
    """Makes the same calls in several runs, with and without the SDK's retries."""
    options = arguments(
        runs=(3, "how often the program calls asyncio.run"),
        calls=(5, "calls in a run, all at once"),
        retries=((0, 2), "the client's max_retries; 2 is the default of the SDK"),
        pause=(0, "seconds between the runs; after 5 the pool itself closes what is idle"),
    )
    server = Server()
    observer = Observer(server, show_traceback=options.traceback)
    clients = []  # none is collected before the end, so nothing here depends on the collector
    for retries in options.retries:
        clients.append(AsyncOpenAI(api_key="none", base_url=server.url, max_retries=retries))
        print(f"one client, max_retries={retries}, {options.runs} x asyncio.run with {options.calls} calls")
        for run in range(options.runs):
            asyncio.run(observer.ask(clients[-1], options.calls, concurrency=options.calls))
            seen = observer.take()
            print(
                f"  run {run + 1}: {seen['answers']} answers, {seen['raised']} raised, {seen['logged']} logged;"
                f" server: {seen['requests']} requests ({seen['retried']} retried),"
                f" {seen['connections']} new connections"
            )
            observer.explain()
            time.sleep(options.pause)
    return observer.conclude()


# --- observer (the same text in every script) ---
class Observer(logging.Handler):
    """Counts what calls give back, what is logged where no caller can catch it, and what the server saw meanwhile."""

    def __init__(self, server: Server, *, show_traceback: bool) -> None:
        super().__init__(level=logging.ERROR)
        self.server, self.show_traceback, self.prompts = server, show_traceback, itertools.count()
        self.seen, self.total, self.lines = Counter(), Counter(), Counter()
        logging.getLogger("asyncio").addHandler(self)
        logging.getLogger("asyncio").propagate = False
        sys.unraisablehook = lambda it: self.note("logged", f"unraisable in {it.object!r}", it.exc_value)
        warnings.simplefilter("always", ResourceWarning)
        warnings.showwarning = lambda it, *_: self.seen.update(unclosed="unclosed transport" in str(it))

    def emit(self, record: logging.LogRecord) -> None:
        """Takes what asyncio logs as an error."""
        coroutine = re.search(r"coro=<(\S+)", record.getMessage())
        text = record.getMessage().splitlines()[0] + (f" ({coroutine[1]})" if coroutine else "")
        self.note("logged", text, record.exc_info[1] if record.exc_info else None)

    def note(self, kind: str, text: str, error: BaseException | None) -> None:
        """Counts one of a kind and keeps a line: the exception and what it came from, each with its library line."""
        in_full, chain = self.show_traceback and error is not None, []
        self.show_traceback = self.show_traceback and not in_full
        while error:
            if in_full:
                traceback.print_exception(type(error), error, error.__traceback__, chain=False, file=sys.stdout)
            lines = [(frame.f_code, number) for frame, number in traceback.walk_tb(error.__traceback__)]
            where = [(code, number) for code, number in lines if "-packages" in code.co_filename][-1:]
            at = [f"[{code.co_filename.split('-packages')[-1][1:]}:{number} {code.co_name}]" for code, number in where]
            chain.append(" ".join([f"{type(error).__name__}: {error}", *at]))
            error = error.__cause__ or error.__context__
        line = ": ".join(filter(None, (text, " <- ".join(chain))))
        kind = "other" if kind == "raised" and "loop" not in line else kind
        self.seen[kind] += 1
        self.lines[f"{kind}: {line}"] += 1

    async def ask(self, client: AsyncOpenAI, calls: int, concurrency: int) -> None:
        """Makes the calls, so many at once, and counts what each gives back."""
        gate = asyncio.Semaphore(concurrency)
        self.server.together = min(calls, concurrency)

        async def call(prompt: str) -> None:
            async with gate:
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": prompt}])

        prompts = [f"ping {next(self.prompts)}" for _ in range(calls)]  # no two alike: the server knows a retry
        for result in await asyncio.gather(*map(call, prompts), return_exceptions=True):
            self.seen.update(calls=1, answers=result is None)
            if result:
                self.note("raised", "", result)

    def take(self) -> Counter:
        """What was seen since it was last taken, with what the server counted."""
        self.server.settle()
        now = Counter({word: getattr(self.server, word) for word in ("requests", "retried", "connections")})
        seen, self.seen = self.seen + now - Counter({word: self.total[word] for word in now}), Counter()
        seen["lost"] = seen["requests"] - seen["answers"]
        self.total += seen
        return seen

    def explain(self) -> None:
        """Prints the lines kept so far, one for each different exception."""
        for line, count in self.lines.items():
            print(f"    {count} x {line}")
        self.lines.clear()

    def conclude(self) -> int:
        """Prints the last line and gives the exit status: 1 the error was reproduced, 0 it was not, 2 cannot tell."""
        self.take()
        warnings.simplefilter("ignore", ResourceWarning)  # what is still open now is closed by the end of the process
        words = ("raised", "logged", "retried", "lost", "other", "answers", "calls")
        print("RESULT:", *(f"{word}={self.total[word]}" for word in words))
        if any(self.total[word] for word in ("raised", "logged", "retried")):
            return 1
        return 2 if self.total["other"] else 0


def arguments(**options: tuple[object, str]) -> argparse.Namespace:
    """Reads the command line; an option is its default and its help. Prints the versions of all that takes part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traceback", action="store_true", help="print the first exception chain in full")
    for name, (default, text) in options.items():
        many = {"nargs": "+"} if isinstance(default, tuple) else {}
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} (%(default)s)", **many)
    read = parser.parse_args()
    for name in options:
        given = getattr(read, name)
        if min(given if isinstance(given, (list, tuple)) else [given]) < (name not in ("retries", "pause")):
            parser.error(f"--{name} is too small: {given}")
    if MISSING:
        parser.exit(2, f"{MISSING}: pip install openai\n")
    # httpcore is imported late, with the first client: it is there if httpx is, and httpcore2 if httpx2 is.
    used = {"openai", "httpx", "httpx2", "anyio"} & set(sys.modules)
    parts = ("openai", "httpx", "httpcore", "httpx2", "httpcore2", "anyio")
    versions = (f"{name} {importlib.metadata.version(name)}" for name in parts if name.replace("core", "x") in used)
    print(f"python {platform.python_version()}", *versions, sys.platform, sep=", ")
    return read


# --- end of observer ---


# --- server (the same text in every script) ---
class Server(threading.Thread):
    """HTTP/1.1 with keep-alive on loopback: answers every POST with a chat completion and counts what it sees."""

    TEXT = (
        b'{"id":"1","object":"chat.completion","created":0,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
        b'"message":{"role":"assistant","content":"pong"}}]}'
    )
    PATIENCE = 0.5  # seconds without a request after which no more are expected: retries come one by one
    ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT)

    def __init__(self) -> None:
        super().__init__(daemon=True)
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"  # a proxy set on this machine must stay out of it
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.prompts, self.waiting, self.together = set(), [], 1
        self.requests = self.retried = self.connections = self.open = 0
        self.asking, self.asked, self.settled = *socket.socketpair(), queue.SimpleQueue()
        self.selector = selectors.DefaultSelector()  # not asyncio: the only event loops here are those of the test
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)
        self.selector.register(self.asked, selectors.EVENT_READ, lambda asked: self.settled.put(asked.recv(1)))
        self.start()

    def run(self) -> None:
        """Serves until the process ends. Calls made together are open together: none is answered before all wait."""
        while True:
            ready = [key for key, _ in self.selector.select(self.PATIENCE if self.waiting else None)]
            for key in sorted(ready, key=lambda key: key.fileobj is self.asked):
                key.data(key.fileobj)
            everybody_waits = len(self.waiting) >= self.together
            while self.waiting and (everybody_waits or not ready):
                with contextlib.suppress(OSError):
                    self.waiting.pop().sendall(self.ANSWER)

    def accept(self, listener: socket.socket) -> None:
        """Takes all connections that wait."""
        with contextlib.suppress(BlockingIOError):
            while connection := listener.accept()[0]:
                connection.setblocking(True)
                self.selector.register(connection, selectors.EVENT_READ, functools.partial(self.read, bytearray()))
                self.connections, self.open = self.connections + 1, self.open + 1

    def read(self, buffer: bytearray, connection: socket.socket) -> None:
        """Takes what has come; a request that is whole waits for its answer."""
        with contextlib.suppress(OSError):
            if data := connection.recv(65536):
                buffer += data
                head = re.match(rb"(?is).*?\r\ncontent-length: *(\d+).*?\r\n\r\n", buffer)
                if head and len(buffer) >= head.end() + int(head[1]):
                    retried = re.search(rb"(?i)\r\nx-stainless-retry-count: *[1-9]", head[0])
                    prompt = bytes(buffer[head.end() :])
                    self.requests += 1
                    self.retried += bool(retried) or prompt in self.prompts
                    self.prompts.add(prompt)
                    buffer.clear()
                    self.waiting.append(connection)
                return
        self.selector.unregister(connection)
        connection.close()
        self.open -= 1

    def settle(self) -> None:
        """Returns when the server has read all that was sent to it before; its counts are exact from here."""
        self.asking.send(b"?")
        self.settled.get()


# --- end of server ---


if __name__ == "__main__":
    try:
        status = main()
    except Exception:  # a failure of the script itself is not the error it looks for
        traceback.print_exc()
        status = 2
    sys.exit(status)
