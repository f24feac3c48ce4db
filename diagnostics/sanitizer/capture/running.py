"""The loop that runs in this thread."""

from __future__ import annotations

import sys
from typing import Any


def running_loop() -> Any:
    """Returns the loop that runs in this thread; does not import asyncio into a program that does not use it."""
    global events  # noqa: PLW0603 - looked up once; this is asked several times for each request
    if events is None:
        events = sys.modules.get("asyncio.events")
        if events is None:
            return None
    return events._get_running_loop()


def tasks_of(loop: Any) -> set[Any]:
    """Returns the tasks of a loop that are not done; imports nothing, as the program's import hooks would see."""
    tasks = sys.modules["asyncio.tasks"]
    if _has_none(tasks):
        return set()
    found: set[Any] = tasks.all_tasks(loop)
    return found


def _has_none(tasks: Any) -> bool:
    """Returns whether there is certainly no task, as when most loops close: `all_tasks` takes longer to say so.

    Since Python 3.14, tasks are kept where only `all_tasks` sees them.
    """
    kept = getattr(tasks, "_all_tasks" if sys.version_info < (3, 12) else "_scheduled_tasks", None)
    known = sys.version_info < (3, 14) and hasattr(kept, "data")
    return known and not (kept.data or getattr(tasks, "_eager_tasks", ()))  # type: ignore[union-attr]


events: Any = None
"""`asyncio.events`, once the program has asked for its loop."""
