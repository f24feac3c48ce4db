"""Loops: where they are created, run and closed, by whom, and what they leave behind.

Patches the beginning and the end of a loop and of its runs; nothing is added to `call_soon`.
"""

from __future__ import annotations

import sys
from typing import Any

from diagnostics.sanitizer.capture import foreign_futures, thread_use
from diagnostics.sanitizer.capture.closed_loops import instrument_closed_loop
from diagnostics.sanitizer.capture.connections import MARK
from diagnostics.sanitizer.capture.facts import KEPT
from diagnostics.sanitizer.capture.holders import loop_purpose, runs_in_thread
from diagnostics.sanitizer.capture.leaks import report_leaks
from diagnostics.sanitizer.capture.patching import Patch, around, before
from diagnostics.sanitizer.capture.pending import stuck_calls
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.capture.transport_use import instrument_open_loops


def created(loop: Any) -> None:
    """A loop is initialized."""
    foreign_futures.loop_created()
    frame = sys._getframe(2)
    TRACKER.loop(loop, capture(frame) + runs_in_thread(frame)).purpose = loop_purpose(frame)
    if TRACKER.threads:
        thread_use.watch(loop)
    if not TRACKER.several and len(TRACKER.open_loops()) > 1:
        TRACKER.several = True
        instrument_open_loops(TRACKER.open_loops())


def runs(loop: Any) -> None:
    """A loop begins to run, or its run ends. In between only `set_debug` calls this method."""
    if not loop.is_running():
        record = getattr(loop, MARK, None) or TRACKER.loop(loop)
        record.runs += 1
        TRACKER.instruments.call("loop_run", record)


def closing(loop: Any) -> Any:
    """A loop is about to close: what is open on it can be seen now or never."""
    if loop.is_closed() or loop.is_running():
        return None
    record, stack = TRACKER.loop(loop), capture(sys._getframe(2))
    TRACKER.instruments.call("loop_closing", record, stack)
    report_leaks(loop, record, stack)
    return loop


def closed(loop: Any, _: Any) -> None:
    """A loop has closed: from now on it reports who uses it."""
    if loop is not None and loop.is_closed():
        instrument_closed_loop(loop)
        if TRACKER.active_calls:  # of other loops; they may wait for a pool slot that this loop held
            TRACKER.report(*stuck_calls(hanging=False))


def handed(source: Any, destination: Any) -> None:
    """A loop has got a coroutine of another thread, which waits for it."""
    if hasattr(source, "get_loop") and not hasattr(destination, "get_loop"):
        record, threads = TRACKER.loop(source.get_loop()), sys.modules["threading"]
        if not record.purpose and threads.current_thread() is not threads.main_thread():
            record.purpose = KEPT


def thread_starts(thread: Any) -> None:
    """A thread starts. Those of an executor are known by what they are given."""
    if not TRACKER.threads and getattr(getattr(thread, "_target", None), "__module__", None) not in _ONLY_WAITING:
        thread_use.begin()


def submitted(_: Any, call: Any = None, *__: Any, **___: Any) -> None:
    """A function is given to an executor of threads; to resolve a name for asyncio, it runs no code of the program."""
    if not TRACKER.threads and getattr(call, "__module__", None) != "socket":
        thread_use.begin()


_ONLY_WAITING = ("concurrent.futures.thread", "asyncio.base_events")
"""Modules of the functions that threads of an executor run, and the thread that waits for those."""

PATCHES = [
    Patch("threading", "Thread", "start", before(thread_starts)),
    Patch("concurrent.futures.thread", "ThreadPoolExecutor", "submit", before(submitted)),
    # What the callback of `run_coroutine_threadsafe` calls on the loop's own thread, in every Python since 3.5.
    Patch("asyncio.futures", "", "_chain_future", before(handed), optional=True),
    Patch("asyncio.base_events", "BaseEventLoop", "__init__", before(created)),
    Patch("asyncio.base_events", "BaseEventLoop", "close", around(closing, closed)),
    # The one method that `run_forever` calls as it begins and as it ends, in every Python since 3.7.
    Patch("asyncio.base_events", "BaseEventLoop", "_set_coroutine_origin_tracking", before(runs), optional=True),
    # uvloop is written in C: its closed loops cannot report who uses them, so only creation and close are seen.
    Patch("uvloop", "Loop", "__init__", before(created), optional=True, inherited=True),
    Patch("uvloop", "Loop", "close", around(closing, lambda *_: None), optional=True, inherited=True),
]
