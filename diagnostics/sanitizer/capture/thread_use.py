"""Loops that report what another thread does to them without `call_soon_threadsafe`.

Whatever wakes a task from another thread (a queue, an event, a future) calls `call_soon` of its loop, which may sleep
on; in debug mode asyncio raises there. Loops get a subclass that reports it once a thread may run code of the program,
so a program with one thread pays nothing.
"""

from __future__ import annotations

import itertools
import os
import sys
from threading import get_ident
from types import FrameType, MethodType
from typing import Any, Final

from diagnostics.sanitizer.capture.facts import Fact, LoopRecord
from diagnostics.sanitizer.capture.following import inside_callbacks
from diagnostics.sanitizer.capture.foreign_futures import bound
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.holders import locals_of
from diagnostics.sanitizer.capture.owners import client_around, client_keeping
from diagnostics.sanitizer.capture.pending import chain
from diagnostics.sanitizer.capture.running import tasks_of
from diagnostics.sanitizer.capture.sites import capture, frames, is_finalized, is_users, users_frame
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.capture.transport_use import instrument_open_loops, only_loads, transport_methods

_ASYNCIO: Final = f"{os.sep}asyncio{os.sep}"
_THREAD: Final = f"{os.sep}concurrent{os.sep}futures{os.sep}thread.py"
_STEPS: Final = 3
"""From a thread to the task of the program: it may wait in `gather`, for a task that waits for the thread."""

_TASKS: Final = 100

_watched: dict[type, type] = {}


class _CallSoon:
    """`call_soon` of a loop; looking it up in another thread than the one that runs the loop is the foreign access."""

    __slots__ = ("_original",)

    def __init__(self, original: Any) -> None:
        self._original = original

    # Defaults, as a loop may be finalized when the globals of this module are gone.
    def __get__(
        self, loop: Any, owner: Any = None, here: Any = get_ident, bound: Any = MethodType, tracker: Any = TRACKER
    ) -> Any:
        if loop is None:
            return self._original
        if loop._thread_id != here() and loop._thread_id is not None and tracker.on:
            try:
                frame = sys._getframe(1)
                if not only_loads(frame):
                    _report(loop, frame)
            except Exception as error:
                tracker.problems.add("loop.call_soon", error)
        return bound(self._original, loop)


def begin() -> None:
    """A thread may run code of the program: loops that are open, and those to come, report what it does."""
    if not TRACKER.threads:
        TRACKER.threads = TRACKER.several = True
        instrument_open_loops(TRACKER.open_loops())
        for record in TRACKER.open_loops():
            watch(record.ref())


def watch(loop: Any) -> None:
    """Replaces the class of a loop of asyncio; others do not tell which thread runs them."""
    cls = type(loop)
    if not issubclass(cls, sys.modules["asyncio.base_events"].BaseEventLoop) or cls in _watched.values():
        return
    if cls not in _watched:
        words = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
        _watched[cls] = type(cls.__name__, (cls,), {**words, "call_soon": _CallSoon(cls.call_soon)})
    loop.__class__ = _watched[cls]


def release(loop: Any) -> None:
    """Gives a loop its own class again: it has closed, and another thread can do no more to it."""
    cls = type(loop).__bases__[0]
    if _watched.get(cls) is type(loop):
        loop.__class__ = cls


@gc_neutral
def _report(loop: Any, frame: FrameType) -> None:
    stack, record = capture(frame), TRACKER.loop(loop)
    waiting = _waiting(frame, loop) if users_frame(stack) is None else []
    stack += tuple(part for each in waiting for part in (each.f_code, each.f_lasti))
    if any(code in transport_methods() for code, _ in frames(stack[:12])):
        return  # the transport has reported it
    inside, at = None, frame
    while _ASYNCIO in at.f_code.co_filename and at.f_back is not None:
        inside, at = at, at.f_back
    thing = locals_of(inside).get("self") if inside is not None else None
    if thing is None:
        thing = next((each for each, of in bound(frame) if of is loop and hasattr(each, "get_loop")), loop)
    is_loop = thing is loop
    name = "loop" if is_loop else type(thing).__name__
    client = None if is_loop else client_keeping(thing, loop, at, TRACKER.clients, waiting)
    call = TRACKER.current_call()
    if client is None and call is not None:
        client = call.client  # what it wakes waits for something inside the client
    if client is None and not is_loop and _in_callback(at):
        client = client_around(at, _of_tasks(TRACKER.running()), TRACKER.clients)
    TRACKER.report(
        Fact(
            "cross-loop-use",
            "leak" if is_finalized(stack) or is_finalized(stack, by_library=True) else "error",
            loop=record,
            client=client,
            call=call,
            current=TRACKER.running(),
            stack=stack,
            operation=name if inside is None else f"{name}.{inside.f_code.co_name}",
            trigger="user",
            detail={"owner_open": True, "thread": True, "what": "a loop" if is_loop else f"an asyncio {name}"},
        ),
        once=(record.number, stack, "thread"),
    )


def _waiting(frame: FrameType | None, loop: Any) -> list[FrameType]:
    """Returns the frames of the task that awaits what a thread of an executor runs, innermost first."""
    while frame is not None and not (frame.f_code.co_name == "run" and frame.f_code.co_filename.endswith(_THREAD)):
        frame = frame.f_back
    if frame is None:
        return []
    item: Any = locals_of(frame).get("self")
    giving = _giving(sys._current_frames().get(loop._thread_id), getattr(item, "fn", None) or item.task[0])
    if any(is_users(each.f_code.co_filename) for each in giving):
        return giving
    futures = [item.future, sys.modules["asyncio.tasks"].current_task(loop) if giving else None]
    for _ in range(_STEPS):
        futures = [each for one in futures for each in inside_callbacks(one) if hasattr(each, "get_loop")]
        for task in filter(None, map(_awaiting, futures)):
            found = [each.cr_frame for each, _ in chain(task.get_coro()) if getattr(each, "cr_frame", None)]
            if any(is_users(each.f_code.co_filename) for each in found):
                return found[::-1]
            futures.append(task)
    return []


def _in_callback(frame: FrameType | None) -> bool:
    """Returns whether a loop runs a callback of a library, which has no line of the person's."""
    while frame is not None and frame.f_code.co_name != "_run_once":
        if is_users(frame.f_code.co_filename):
            return False
        frame = frame.f_back
    return frame is not None


def _of_tasks(record: LoopRecord | None) -> list[FrameType]:
    """Returns the frames of the coroutines that wait on a loop."""
    loop = record.ref() if record is not None else None
    chains = [chain(task.get_coro()) for task in itertools.islice(tasks_of(loop), _TASKS)] if loop is not None else []
    return [each.cr_frame for found in chains for each, _ in found if getattr(each, "cr_frame", None) is not None]


def _giving(frame: FrameType | None, work: Any) -> list[FrameType]:
    """Returns the frames of the task that gives a function to an executor just now, and does not wait for it yet."""
    found, is_giving = [], False
    while frame is not None and frame.f_code.co_name != "_run_once":
        found.append(frame)
        is_giving = is_giving or any(each is work for each in locals_of(frame).values())
        frame = frame.f_back
    return found if is_giving else []


def _awaiting(future: Any) -> Any:
    """Returns the task that a future wakes."""
    callbacks = [each[0] for each in getattr(future, "_callbacks", None) or ()]
    return next((one for each in callbacks if hasattr(one := getattr(each, "__self__", None), "get_coro")), None)
