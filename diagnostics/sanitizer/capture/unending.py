"""Tasks that keep a program from ending: they ignore their cancellation, or wait for a loop that has closed.

They are looked for at a signal, in every thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import takewhile
from types import FrameType
from typing import Any

from diagnostics.sanitizer.capture.facts import Fact
from diagnostics.sanitizer.capture.holders import locals_of, receiver_of
from diagnostics.sanitizer.capture.owners import client_itself
from diagnostics.sanitizer.capture.pending import chain
from diagnostics.sanitizer.capture.sites import Stack, in_stdlib
from diagnostics.sanitizer.capture.tracker import TRACKER

_ASYNCIO = f"{os.sep}asyncio{os.sep}"


def unending_tasks() -> Iterator[Fact]:
    """Yields a fact for each task that a loop waits for as it ends, and for each that waits for a closed loop."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    found = set()
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            for task in _cancelled(frame):
                if not task.done() and task not in found:
                    found.add(task)
                    yield _ignored(task)
            frame = frame.f_back
    for record in TRACKER.open_loops():
        loop = record.ref()
        if loop is not None and loop.is_running():
            for task in asyncio.all_tasks(loop) - found:
                yield from _bereft(task)


def _cancelled(frame: FrameType) -> list[Any]:
    """Returns the tasks whose end a function of asyncio waits for, after it has cancelled them."""
    name, file = frame.f_code.co_name, frame.f_code.co_filename
    if name not in ("_cancel_all_tasks", "run") or _ASYNCIO not in file:
        return []
    values = locals_of(frame)
    if name == "_cancel_all_tasks":
        return list(values.get("to_cancel") or ())
    interrupted = getattr(values.get("self"), "_interrupt_count", 0)  # Ctrl-C has cancelled the run's own task
    return [values["task"]] if interrupted and "task" in values else []


def _ignored(task: Any) -> Fact:
    loop, coroutine = TRACKER.loop(task.get_loop()), task.get_coro()
    lines = [line for _, line in chain(coroutine)][::-1]
    inside = list(takewhile(lambda line: in_stdlib(line[0].co_filename), lines))
    code = inside[-1][0] if inside else None
    shown = lines[len(inside) :] or lines  # the line that waits says more than one of asyncio's own
    stack: Stack = tuple(part for line in shown for part in line)
    return Fact(
        "stuck-waiter",
        "note",
        loop=loop,
        current=loop,
        stack=stack,
        operation=stack[0].co_name if stack else "",
        trigger="task",
        detail={
            "task": _name(task),
            "name": task.get_name(),
            "waits": getattr(code, "co_qualname", code.co_name) if code is not None else "",
        },
    )


def _name(task: Any) -> str:
    coroutine = task.get_coro()
    return f"the task {getattr(coroutine, '__qualname__', type(coroutine).__name__)}"


def _bereft(task: Any) -> Iterator[Fact]:
    """Yields a fact if a task waits in a method of an object whose own loop has closed; nothing may wake it."""
    coroutines = list(chain(task.get_coro()))
    for coroutine, _ in coroutines:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None or in_stdlib(frame.f_code.co_filename):
            continue
        thing = receiver_of(frame)
        loop = _closed_loop(thing)
        if loop is not None:
            stack: Stack = tuple(part for _, line in reversed(coroutines) for part in line)
            yield Fact(
                "stuck-waiter",
                "note",
                loop=TRACKER.loop(loop),
                client=TRACKER.client(thing) or client_itself(thing, TRACKER.clients),
                current=TRACKER.loop(task.get_loop()),
                stack=stack,
                operation=frame.f_code.co_name,
                trigger="task",
                detail={"name": task.get_name(), "waits": f"its own loop, which is closed, in {_name(task)}"},
            )
            return


def _closed_loop(thing: Any) -> Any:
    """Returns the loop that an object refers to, if that is closed."""
    try:
        attributes = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None
    loops = [each for each in (attributes.get("_loop"), attributes.get("loop")) if hasattr(type(each), "is_closed")]
    return next((each for each in loops if each.is_closed()), None)
