"""A process keeps a bounded number of facts: whole calls and loops are dropped, and the report says so."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from diagnostics.sanitizer import session
from diagnostics.sanitizer.analyze.evaluate import evaluate
from diagnostics.sanitizer.capture.blind_spots import blind_spots
from diagnostics.sanitizer.capture.budget import Budget
from diagnostics.sanitizer.capture.facts import CallRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.instruments import Instrument, Instruments
from diagnostics.sanitizer.capture.tracker import TRACKER


class Loop:
    """Stands for a live loop."""


class Spots(Instrument):
    """Keeps what an instrument is told about blind spots."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = []

    def blind_spots(self, lines: list[str]) -> None:
        self.lines.append(lines)


def of_one_call() -> list[Fact]:
    """A foreign connection, what follows from it, and that the loop was left."""
    loop, call = LoopRecord(Loop(), ()), CallRecord.of_another_process()
    return [
        Fact("cross-loop-use", "error", loop=loop, call=call),
        Fact("use-after-loop-close", "error", loop=loop, call=call),
        Fact("client-left-open", "leak", loop=loop, detail={"connections": 1}),
        Fact("use-after-loop-close", "leak", loop=loop, detail={"tidied": True}),
    ]


@pytest.mark.parametrize("most", range(1, 9))
def test_what_is_kept_are_whole_calls_and_loops_and_the_rest_is_a_blind_spot(most: int) -> None:
    spots, instruments = Spots(), Instruments()
    instruments.add(spots)
    budget = Budget(instruments, most)
    kinds = [{finding.kind for finding in evaluate(of_one_call())}]
    kept = [fact for _ in range(10) for fact in of_one_call() if budget.admits(fact)]
    kinds += [{finding.kind for finding in evaluate(kept[:at])} for at in (len(kept),)]
    assert kinds[1] <= kinds[0], "what followed from a fact that was dropped is reported"
    assert "cross-loop-use" in kinds[1]
    assert len(kept) <= most * 1.25 + 1
    assert spots.lines == [budget.blind_spots()], "the blind spot is named at once, and once"
    assert f"only {most} facts" in budget.blind_spots()[0]


def test_a_fact_that_counts_once_is_forgotten_if_it_is_dropped() -> None:
    budget = Budget(Instruments(), 1)
    first, second = of_one_call()[0], of_one_call()[0]
    assert budget.admits(first, (1,))
    assert not budget.admits(second, (2,))
    assert (budget.has((1,)), budget.has((2,))) == (True, False)


def test_a_program_that_goes_on_after_its_budget_keeps_its_first_findings() -> None:
    with session.watch() as found:
        TRACKER.budget = Budget(TRACKER.instruments, 3)
        for _ in range(10):
            loop = asyncio.new_event_loop()
            loop.close()
            with contextlib.suppress(RuntimeError):
                loop.call_soon(print)
        spots = blind_spots()
    assert [(each.kind, each.count) for each in found] == [("use-after-loop-close", 3)]
    assert any(spot.startswith("only 3 facts are kept") for spot in spots)
