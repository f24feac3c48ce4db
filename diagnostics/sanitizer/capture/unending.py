"""Tasks that keep a program from ending: they ignore their cancellation, or wait for a loop that does not run any more.

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
from diagnostics.sanitizer.capture.following import closure, inside_callbacks
from diagnostics.sanitizer.capture.holders import attributes_of, locals_of, receiver_of
from diagnostics.sanitizer.capture.owners import client_itself, tasks_inside
from diagnostics.sanitizer.capture.pending import chain
from diagnostics.sanitizer.capture.sites import Stack, capture, in_stdlib
from diagnostics.sanitizer.capture.tracker import TRACKER

_ASYNCIO = f"{os.sep}asyncio{os.sep}"
_FUTURES = os.path.join("concurrent", "futures", "_base.py")


def unending_tasks() -> Iterator[Fact]:
    """Yields a fact for each task that a loop waits for as it ends, and for what waits for a loop that does not run."""
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
    yield from _blocked()


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
    """Yields a fact if a task waits for a loop that does not run, or in a method of what needs such a loop."""
    name, own = task.get_name(), task.get_loop()
    coroutines = list(chain(task.get_coro()))
    stack: Stack = tuple(part for _, line in reversed(coroutines) for part in line)
    for handed in inside_callbacks(getattr(task, "_fut_waiter", None)):
        promised = _promised(handed) if hasattr(handed, "set_running_or_notify_cancel") else None
        if promised is not None and not promised[1].is_running():
            yield _waits(promised, stack, loop=own, name=name)
            return
    for coroutine, _ in coroutines:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is None or in_stdlib(frame.f_code.co_filename):
            continue
        thing = receiver_of(frame)
        loop = _ended_loop(thing, own)
        if loop is not None:
            yield Fact(
                "stuck-waiter",
                "note",
                loop=TRACKER.loop(loop),
                client=TRACKER.client(thing) or client_itself(thing, TRACKER.clients),
                current=TRACKER.loop(own),
                stack=stack,
                operation=frame.f_code.co_name,
                trigger="task",
                detail={"name": name, "waits": f"its own loop, which {_state(loop)}, in {_name(task)}"},
            )
            return


def _blocked() -> Iterator[Fact]:
    """Yields a fact for each thread that waits for what a loop should do, where that does not run or is its own."""
    for ident, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost
        while frame is not None:
            code = frame.f_code
            if code.co_name in ("result", "exception") and code.co_filename.endswith(_FUTURES):
                promised = _promised(locals_of(frame).get("self"))
                if promised is not None and (not promised[1].is_running() or promised[1]._thread_id == ident):
                    yield _waits(promised, capture(frame.f_back))
            frame = frame.f_back


def _waits(promised: tuple[Any, Any], stack: Stack, loop: Any = None, name: str = "") -> Fact:
    coroutine, other = promised
    called = getattr(coroutine, "__qualname__", type(coroutine).__name__)
    where = "the loop that it blocks" if other.is_running() else f"another loop, which {_state(other)}"
    return Fact(
        "stuck-waiter",
        "note",
        loop=TRACKER.loop(other),
        current=TRACKER.loop(loop) if loop is not None else None,
        stack=stack,
        operation="Future.result",
        trigger="task",
        detail={"name": name, "waits": f"the coroutine {called} on {where}"},
    )


def _promised(future: Any) -> tuple[Any, Any] | None:
    """Returns the coroutine whose result a future of a thread gets from a loop, and that loop."""
    tasks = [each for each in inside_callbacks(future) if hasattr(each, "get_coro")]
    if tasks:
        return tasks[0].get_coro(), tasks[0].get_loop()
    loops: list[Any] = [record.ref() for record in TRACKER.open_loops()]
    for loop in loops:
        for handle in list(getattr(loop, "_ready", ())):  # the loop has not run since
            values = closure(getattr(handle, "_callback", None))
            if any(each is future for each in values):
                return next((each for each in values if hasattr(each, "cr_frame")), None), loop
    return None


def _state(loop: Any) -> str:
    return "is closed" if loop.is_closed() else "does not run any more"


def _ended_loop(thing: Any, own: Any) -> Any:
    """Returns the loop that an object refers to, or that a task inside it belongs to, if that loop does not run."""
    attributes = attributes_of(thing) or {}
    named: tuple[Any, ...] = (attributes.get("_loop"), attributes.get("loop"))
    loops = [each for each in named if hasattr(type(each), "is_closed")]
    if not loops and not isinstance(thing, type):
        loops = [task.get_loop() for task in tasks_inside(thing) if not task.done()]
    return next((each for each in loops if each is not own and not each.is_running()), None)
