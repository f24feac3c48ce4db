"""Times calls in this process, as often as standard input asks: a line `THREADS CALLS` gives a line of nanoseconds.

`floor` as the name of the bridge is no bridge but the least that any can take: `call_soon_threadsafe` of a lock's
release, and waiting for the lock.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.bridges import load

FLOOR: Final = "floor"


async def _work() -> int:
    return 1


def _floor() -> Callable[[], Any]:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    def call() -> None:
        lock = threading.Lock()
        lock.acquire()
        loop.call_soon_threadsafe(lock.release)
        lock.acquire()

    return call


def _timed(call: Callable[[], Any], calls: int, into: list[int], together: threading.Barrier) -> None:
    clock = time.perf_counter_ns
    together.wait()
    for _ in range(calls):
        start = clock()
        call()
        into.append(clock() - start)


def median(call: Callable[[], Any], threads: int, calls: int) -> float:
    """The median of a call's time in nanoseconds, over all threads, in the calling thread where there is one."""
    took: list[list[int]] = [[] for _ in range(threads)]
    together = threading.Barrier(threads)
    others = [threading.Thread(target=_timed, args=(call, calls, took[n], together)) for n in range(1, threads)]
    for thread in others:
        thread.start()
    _timed(call, calls, took[0], together)
    for thread in others:
        thread.join()
    return statistics.median(value for values in took for value in values)


def main(name: str) -> None:
    """Answers until standard input ends."""
    bridge = None if name == FLOOR else load(name)
    call = _floor() if bridge is None else bridge.bind(_work)
    for line in sys.stdin:
        threads, calls = map(int, line.split())
        sys.stdout.write(f"{median(call, threads, calls)}\n")
        sys.stdout.flush()
    if bridge is not None and bridge.close is not None:
        bridge.close()


if __name__ == "__main__":
    main(sys.argv[1])
