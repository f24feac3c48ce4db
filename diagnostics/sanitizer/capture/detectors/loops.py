"""Loops: where they are created, run and closed, by whom, and what they leave behind.

Patches the beginning and the end of a loop and of its runs, and where threads begin; nothing is added to `call_soon`
before that.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from types import FrameType
from typing import Any

from diagnostics.sanitizer.capture import foreign_futures, thread_use
from diagnostics.sanitizer.capture.closed_loops import instrument_closed_loop
from diagnostics.sanitizer.capture.facts import KEPT, LoopRecord
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral_at
from diagnostics.sanitizer.capture.holders import locals_of
from diagnostics.sanitizer.capture.leaks import report_leaks
from diagnostics.sanitizer.capture.loop_origins import origin
from diagnostics.sanitizer.capture.patching import Patch, around, before, disguise
from diagnostics.sanitizer.capture.pending import stuck_calls
from diagnostics.sanitizer.capture.sites import Stack
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.capture.transport_use import instrument_open_loops


@gc_neutral_at
def created(loop: Any, frame: FrameType, stack: Stack) -> None:
    """A loop is initialized."""
    foreign_futures.loop_created()
    stack, purpose = origin(frame, stack)
    TRACKER.loop(loop, stack).purpose = purpose
    if TRACKER.threads:
        thread_use.watch(loop)
    if not TRACKER.several and len(TRACKER.open_loops()) > 1:
        TRACKER.several = True
        instrument_open_loops(TRACKER.open_loops())


def _runs(original: Any, patch: Patch) -> Any:
    """Builds the method of a loop that begins to run, or whose run ends; in between only `set_debug` calls it."""
    tracker, thread = TRACKER, get_ident

    def replacement(self: Any, enabled: Any) -> Any:
        if patch.on:
            try:
                if self._thread_id is None:  # as `is_running`
                    try:
                        record = self._diagnostics_record  # `MARK`, in the fastest way
                    except AttributeError:
                        record = tracker.loop(self)
                    record.runs += 1
                    if thread() != tracker.home or "loop_run" in tracker.instruments.hooks:
                        _told(record)
            except Exception as error:
                patch.fail(error)
        return original(self, enabled)

    return disguise(replacement, original)


def _told(record: LoopRecord) -> None:
    TRACKER.instruments.call("loop_run", record)
    if get_ident() != TRACKER.home:
        TRACKER.instruments.call("loop_run_aside", record)


@gc_neutral_at
def closing(loop: Any, _: FrameType, stack: Stack) -> Any:
    """A loop is about to close: what is open on it can be seen now or never.

    What variables of modules kept to the end was open at the end of the program, and that has been reported. The
    interpreter clears them after its last collection, and `sys.meta_path` first.
    """
    if loop.is_closed() or loop.is_running() or (sys.is_finalizing() and sys.meta_path is None):
        return None
    record = TRACKER.loop(loop)
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


class _Threads:
    """A method that gives work to a thread; looking it up is the beginning, so no traceback has a frame of ours."""

    def __init__(self, original: Any, patch: Patch) -> None:
        self._original = original
        self._patch = patch

    def __get__(self, giver: Any, owner: type | None = None) -> Any:
        if giver is not None and not TRACKER.threads and self._patch.on:
            try:
                if not _only_waits(giver, sys._getframe(1)):
                    thread_use.begin()
            except Exception as error:
                self._patch.fail(error)
        return self._original.__get__(giver, owner)


def _only_waits(giver: Any, frame: FrameType) -> bool:
    """Returns whether the thread runs no code of the program: it resolves a name, or is one of an executor."""
    if frame.f_code.co_name == "run_in_executor":
        return getattr(locals_of(frame).get("func"), "__module__", None) == "socket"
    return getattr(getattr(giver, "_target", None), "__module__", None) in _ONLY_WAITING


_ONLY_WAITING = ("concurrent.futures.thread", "asyncio.base_events")
"""Modules of the functions that threads of an executor run, and the thread that waits for those."""

PATCHES = [
    Patch("threading", "Thread", "start", _Threads),
    Patch("concurrent.futures.thread", "ThreadPoolExecutor", "submit", _Threads),
    # What the callback of `run_coroutine_threadsafe` calls on the loop's own thread, in every Python since 3.5.
    Patch("asyncio.futures", "", "_chain_future", before(handed), optional=True),
    Patch("asyncio.base_events", "BaseEventLoop", "__init__", before(created)),
    Patch("asyncio.base_events", "BaseEventLoop", "close", around(closing, closed)),
    # The one method that `run_forever` calls as it begins and as it ends, in every Python since 3.7.
    Patch("asyncio.base_events", "BaseEventLoop", "_set_coroutine_origin_tracking", _runs, optional=True),
    # uvloop is written in C: its closed loops cannot report who uses them, so only creation and close are seen.
    Patch("uvloop", "Loop", "__init__", before(created), optional=True, inherited=True),
    Patch("uvloop", "Loop", "close", around(closing, lambda *_: None), optional=True, inherited=True),
]
