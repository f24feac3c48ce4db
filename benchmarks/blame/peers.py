"""A pytest plugin for the environment of the suites: notes whom a tool blames, by the reports that fail.

`BLAMES` says which tool: `tasks` compares the tasks before and after each async test; `pyleak` marks every test for it.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import os
from collections.abc import Awaitable, Callable, Generator

import pytest

_failed: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets pyleak look at every test."""
    if os.environ.get("BLAMES") == "pyleak":
        for item in items:
            item.add_marker(pytest.mark.no_leaks(tasks=True, threads=True, blocking=False))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None, None, None]:
    """Compares tasks."""
    if os.environ.get("BLAMES") == "tasks" and inspect.iscoroutinefunction(item.function):
        item.obj = _compared(item.obj)
    yield


def _compared(function: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(function)
    async def compare(*args: object, **kwargs: object) -> None:
        before = asyncio.all_tasks()
        await function(*args, **kwargs)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before

    return compare


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes who is blamed."""
    if report.failed:
        _failed.append(report.nodeid)


def pytest_sessionfinish() -> None:
    """Writes it."""
    with open("blamed.json", "w", encoding="utf-8") as stream:  # noqa: PTH123
        json.dump(_failed, stream)
