"""The loop that runs in this thread."""

from __future__ import annotations

import sys
from typing import Any


def running_loop() -> Any:
    """Returns the loop that runs in this thread; does not import asyncio into a program that does not use it."""
    global _events  # noqa: PLW0603 - looked up once; this is asked several times for each request
    if _events is None:
        _events = sys.modules.get("asyncio.events")
        if _events is None:
            return None
    return _events._get_running_loop()


_events: Any = None
