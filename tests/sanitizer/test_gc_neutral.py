"""Work that does not move the moment at which the collector starts."""

from __future__ import annotations

import gc
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.answering import answering
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral, gc_neutral_without_frames

KEPT = 200
RUNS = """
import asyncio, gc, statistics, sys, httpx2

async def call():
    client = httpx2.AsyncClient()
    await client.get(sys.argv[1])

async def main():
    await asyncio.gather(*(call() for _ in range(5)))

spare = [(None,) * size for size in range(1, 21) for _ in range(2000)]
spare += [make() for make in (list, dict) for _ in range(80)]
del spare
gc.disable()
counts = [(asyncio.run(main()), gc.get_count()[0])[1] for _ in range(6)]
print(statistics.median(after - before for before, after in zip(counts, counts[1:])))
"""
"""Prints by how much a run with clients that nobody closes makes the collector's count grow.

Objects that are made from a free list are not counted: those lists are filled first, however the program was started.
"""


def growth(work: object) -> int:
    """By how much the collector's count of young objects grew."""
    assert callable(work)
    gc.collect()
    gc.disable()
    try:
        list(traceback.walk_stack(None))  # the frames of these calls are objects from here on, and not what work keeps
        before = gc.get_count()[0]
        work()
        return gc.get_count()[0] - before
    finally:
        gc.enable()


@pytest.mark.parametrize("neutral", [gc_neutral, gc_neutral_without_frames])
def test_what_stays_is_made_up_for(neutral: Callable[[Any], Any]) -> None:
    kept: list[list[int]] = []

    def keep() -> None:
        kept.extend([] for _ in range(KEPT))

    assert growth(keep) >= KEPT - 100  # some lists are made from the free list, which the collector does not count
    assert abs(growth(neutral(keep))) <= 5


def test_what_stays_of_work_inside_work_is_made_up_for_once() -> None:
    kept: list[list[int]] = []

    @gc_neutral
    def inner() -> None:
        kept.extend([] for _ in range(KEPT))

    def work() -> None:
        inner()
        assert not gc.isenabled()
        inner()

    assert abs(growth(gc_neutral(work))) <= 5
    assert abs(growth(inner)) <= 5


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_held_and_is_then_as_it_was(on: bool) -> None:
    seen = []

    @gc_neutral
    def work() -> None:
        seen.append(gc.isenabled())
        raise ValueError("on purpose")

    was = gc.isenabled()
    try:
        gc.enable() if on else gc.disable()
        with pytest.raises(ValueError, match="on purpose"):
            work()
        assert gc.isenabled() is on
    finally:
        gc.enable() if was else gc.disable()
    assert seen == [False]


def test_it_gives_back_what_the_work_gives() -> None:
    assert gc_neutral(lambda a, *, b: (a, b))(1, b=2) == (1, 2)


def test_the_clients_and_connections_of_a_run_are_made_up_for(tmp_path: Path) -> None:
    (script := tmp_path / "runs.py").write_text(RUNS)
    (folder := tmp_path / "server").mkdir()
    with answering(folder) as (urls, _):
        plain, instrumented = (
            float(subprocess.check_output([sys.executable, *words, script, urls["no TLS"]], stderr=subprocess.DEVNULL))
            for words in ((), ("-m", "diagnostics", "run", "--quiet"))
        )
    assert plain > 50
    assert instrumented == pytest.approx(plain, rel=0.25)
