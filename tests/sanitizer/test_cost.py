"""What the sanitizer adds to a request, in function calls: they are the same in every run and on every machine.

What the garbage collector calls is not counted: when it runs is no matter of a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

import diagnostics.sanitizer
from benchmarks.answering import answering
from benchmarks.operations import connections
from diagnostics.sanitizer import session

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = str(Path(diagnostics.sanitizer.__file__).parent) + os.sep
REQUESTS = 50
CALLS = 25
"""Function calls of the sanitizer in a request of httpx2 on an open connection. More of them need a good reason."""

CALLS_OPENING = 18
"""Function calls for a connection of asyncio's streams that is opened, accepted and closed."""

CALLS_WAITING = 5
"""More of them where a request waits for a slot of its pool."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with answering(tmp_path_factory.mktemp("server")) as (urls, _):
        yield urls["no TLS"]


@contextlib.contextmanager
def counting() -> Iterator[Counter[str]]:
    """The sanitizer's function calls, by name."""
    calls: Counter[str] = Counter()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(OURS) and frame.f_code.co_name != "collector":
            calls[frame.f_code.co_name] += frame.f_back.f_code.co_name != "collector"

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


async def counted(url: str, concurrency: int, slots: int) -> Counter[str]:
    """The function calls in requests; the connections are open before."""
    limits = httpx2.Limits(max_connections=slots, max_keepalive_connections=slots)
    async with httpx2.AsyncClient(limits=limits, timeout=None) as client:
        await asyncio.gather(*(client.get(url) for _ in range(concurrency)))
        with counting() as calls:
            for _ in range(REQUESTS // concurrency):
                await asyncio.gather(*(client.get(url) for _ in range(concurrency)))
    return calls


async def opened() -> Counter[str]:
    """The function calls in connections of asyncio, after the first of them."""
    async with connections("-") as connect:
        await connect()
        with counting() as calls:
            for _ in range(REQUESTS):
                await connect()
    return calls


def measured_connections() -> Counter[str]:
    """The same, under the sanitizer."""
    with session.watch():
        return asyncio.run(opened())


def measured(url: str, concurrency: int, slots: int) -> Counter[str]:
    """The same, under the sanitizer."""
    with session.watch():
        return asyncio.run(counted(url, concurrency, slots))


@pytest.mark.parametrize(
    ("concurrency", "slots", "bound"),
    [
        pytest.param(1, 1, CALLS, id="one at a time"),
        pytest.param(10, 10, CALLS, id="many"),
        pytest.param(50, 5, CALLS + CALLS_WAITING, id="more than the pool has slots"),
    ],
)
def test_a_request_costs_few_function_calls(url: str, concurrency: int, slots: int, bound: float) -> None:
    # In a process of its own: the loops of other tests that are still there would cost function calls.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        calls = processes.submit(measured, url, concurrency, slots).result()
    each = {name: count / REQUESTS for name, count in calls.most_common()}
    assert each.get("call_started", 0) >= 1, f"the requests are not seen: {each}"
    assert sum(each.values()) <= bound, each


def test_a_connection_costs_few_function_calls() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes:
        calls = processes.submit(measured_connections).result()
    each = {name: count / REQUESTS for name, count in calls.most_common()}
    assert each.get("recorded") == 1, each
    assert sum(each.values()) <= CALLS_OPENING, each
