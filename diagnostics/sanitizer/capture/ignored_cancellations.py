"""Tasks that ignore their cancellation: `asyncio.run` waits for them, and the program does not end."""

from __future__ import annotations

import os
from types import FrameType
from typing import Any

from diagnostics.sanitizer.capture.facts import Fact
from diagnostics.sanitizer.capture.holders import locals_of
from diagnostics.sanitizer.capture.pending import awaiting
from diagnostics.sanitizer.capture.sites import Stack
from diagnostics.sanitizer.capture.tracker import TRACKER


def ignored_cancellations(frame: FrameType | None) -> list[Fact]:
    """Returns a fact for each task that a loop waits for as it ends.

    Args:
        frame: of the code that a signal interrupted.
    """
    loop = None
    while frame is not None and loop is None:
        if frame.f_code.co_name == "_cancel_all_tasks" and f"{os.sep}asyncio{os.sep}" in frame.f_code.co_filename:
            loop = locals_of(frame).get("loop")
        frame = frame.f_back
    if loop is None:
        return []
    import asyncio

    return [_fact(loop, task) for task in asyncio.all_tasks(loop)]


def _fact(loop: Any, task: Any) -> Fact:
    coroutine = task.get_coro()
    stack: Stack = tuple(part for line in awaiting(coroutine) for part in line)
    return Fact(
        "stuck-waiter",
        "note",
        loop=TRACKER.loop(loop),
        current=TRACKER.loop(loop),
        stack=stack,
        operation=stack[0].co_name if stack else "",
        trigger="task",
        detail={"task": getattr(coroutine, "__qualname__", type(coroutine).__name__), "waits": task.get_name()},
    )
