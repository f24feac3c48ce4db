# /// script
# requires-python = ">=3.10"
# dependencies = ["openai"]
# ///
"""One client and two calls of asyncio.run: how much goes wrong in the second, by the number of calls in flight.

Every connection that the first run left in the pool costs one call of the second: its request reaches the server, and
the answer reaches nobody. The pool keeps 100 idle connections at most (the SDK's max_keepalive_connections), so no more
than 100 calls fail. max_retries is 0 so that no retry hides this.

With httpcore 1.x a run of 100 takes seconds of CPU. On a slow machine some connections are then idle for more than 5
seconds (keepalive_expiry), and the pool closes them itself: that raises before a request is sent, so fewer calls fail.
"""

# What it prints. CHECK-HTTPX is for openai 1.x and 2.x, CHECK-HTTPX2 for 3.x; {{...}} is a regular expression.
# CHECK-HTTPX: python {{[0-9.]+}}, openai {{[12][.][0-9.]+}}, httpx {{[0-9.]+}}, httpcore {{[0-9.]+}}, anyio
# CHECK-HTTPX2: python {{[0-9.]+}}, openai {{[0-9.]+}}, httpx2 {{[0-9.]+}}, httpcore2 {{[0-9.]+}}, anyio
# CHECK: concurrency | run 1: answers connections | run 2: answers raised retried lost connections
# CHECK: 1 | 1 1 | 0 1 0 1 0
# CHECK: 10 | 10 10 | 0 10 0 10 0
# CHECK: 50 | 50 50 | 0 50 0 50 0
# CHECK-HTTPX: 100 | 100 100 | {{[0-9]+}} {{[1-9][0-9]*}} 0 {{[0-9]+}} {{[0-9]+}}
# CHECK-HTTPX: 300 | 300 300 | {{2[0-9]+}} {{[1-9][0-9]*}} 0 {{[0-9]+}} {{[0-9]+}}
# CHECK-HTTPX2: 100 | 100 100 | 0 100 0 100 0
# CHECK-HTTPX2: 300 | 300 300 | 200 100 0 100 200
# CHECK-HTTPX: {{[0-9]+}} x raised: APIConnectionError: Connection error. [openai/_base_client.py:
# CHECK-HTTPX2: 261 x raised:
# CHECK: RuntimeError: Event loop is closed [anyio/_backends/_asyncio.py:{{[0-9]+}} aclose]
# CHECK: <- RuntimeError: Event loop is closed [anyio/_backends/_asyncio.py:{{[0-9]+}} receive]
# CHECK-HTTPX: RESULT: raised={{[0-9]+}} logged=0 retried=0 lost={{[0-9]+}} other=0 answers={{[0-9]+}} calls=922
# CHECK-HTTPX2: RESULT: raised=261 logged=0 retried=0 lost=261 other=0 answers=661 calls=922

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import gc
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
import traceback
import warnings
from collections import Counter

try:
    from openai import AsyncOpenAI

    MISSING = None
except ImportError as error:
    MISSING = error


try:
    import resource
except ImportError:  # not on Windows
    resource = None


ROW = "{:>11} | {:>14} {:>11} | {:>14} {:>6} {:>7} {:>4} {:>11}"


def main() -> int:
    """Prints a row for each number of calls at once."""
    options = arguments(
        concurrency=((1, 10, 50, 100, 300), "calls in a run, all at once"),
        runs=(2, "how often the program calls asyncio.run; the table shows the first and the last"),
        retries=(0, "the client's max_retries"),
    )
    with contextlib.suppress(AttributeError, OSError, ValueError):  # 300 calls need more descriptors than some allow
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    server = Server()
    observer = Observer(server, show_traceback=options.traceback)
    last = f"run {options.runs}: answers"
    print(ROW.format("concurrency", "run 1: answers", "connections", last, "raised", "retried", "lost", "connections"))
    for concurrency in options.concurrency:
        client = AsyncOpenAI(api_key="none", base_url=server.url, max_retries=options.retries)
        seen = []
        for _ in range(options.runs):
            asyncio.run(observer.ask(client, concurrency, concurrency=concurrency))
            seen.append(observer.take())
        words = ("answers", "raised", "retried", "lost", "connections")
        first = (seen[0]["answers"], seen[0]["connections"])
        print(ROW.format(concurrency, *first, *(seen[-1][word] for word in words)), flush=True)
        del client
        gc.collect()  # outside any loop, where it closes what is open and does no harm: see gc_between_runs.py
    observer.explain()
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
