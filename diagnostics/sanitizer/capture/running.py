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
    found: set[Any] = sys.modules["asyncio.tasks"].all_tasks(loop)
    return found


events: Any = None
"""`asyncio.events`, once the program has asked for its loop."""
