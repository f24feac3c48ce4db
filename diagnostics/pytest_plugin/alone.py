"""The plugin of a process that `--event-loops-confirm` starts: runs a few tests, and says when the collector runs.

It ends with the process that started it, as far as the system can do that.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
from typing import Final

import pytest

VARIABLE: Final = "EVENT_LOOPS_ALONE"

OFF: Final = "off"
AFTER_TESTS: Final = "after each test"
IN_SETUP: Final = "in the setup of the last test"

_ASKED: Final = json.loads(os.environ.pop(VARIABLE, "{}"))


def _end_with_the_parent() -> None:
    """Asks for SIGIO, which ends the process group, when the parent no longer holds the other end of the input."""
    import fcntl

    lifeline = os.dup(0)  # pytest replaces the input
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


if _ASKED and sys.platform == "linux":  # elsewhere SIGIO is ignored
    with contextlib.suppress(OSError):
        _end_with_the_parent()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the tests that are wanted, in that order."""
    wanted: dict[pytest.Item, None] = {}
    for name in _ASKED["tests"]:
        wanted.update((each, None) for each in items if each.nodeid == name or each.nodeid.startswith(f"{name}::"))
    items[:] = wanted


def pytest_sessionstart() -> None:
    """From here the collector runs only when it is called."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """The fixtures of a test have been set up."""
    if _ASKED["collector"] == IN_SETUP and item.nodeid == _ASKED["tests"][-1]:
        gc.collect()


@pytest.hookimpl(trylast=True)
def pytest_runtest_logfinish() -> None:
    """A test has ended."""
    if _ASKED["collector"] == AFTER_TESTS:
        gc.collect()
