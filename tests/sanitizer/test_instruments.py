"""Instruments: who receives events, and what happens to one that fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics import sanitizer
from diagnostics.sanitizer.capture.blind_spots import blind_spots
from diagnostics.sanitizer.capture.instruments import Instrument, Instruments
from diagnostics.sanitizer.capture.tracker import TRACKER

if TYPE_CHECKING:
    from diagnostics.sanitizer.capture.facts import LoopRecord
    from diagnostics.sanitizer.capture.sites import Stack


class Loops(Instrument):
    def __init__(self) -> None:
        self.events: list[str] = []

    def loop_created(self, record: LoopRecord, _: Any) -> None:
        self.events.append(f"created {record.kind}")

    def loop_closing(self, record: LoopRecord, _: Stack) -> None:
        assert record.closed is None
        self.events.append("closing")


class Failing(Instrument):
    def collection_started(self, generation: int) -> None:
        raise ValueError(f"on purpose: {generation}")


def test_an_instrument_receives_the_events_of_a_program() -> None:
    loops = Loops()
    with sanitizer.watch():
        TRACKER.instruments.add(loops)
        asyncio.run(asyncio.sleep(0))
        TRACKER.instruments.remove(loops)
        asyncio.run(asyncio.sleep(0))
    assert loops.events == ["created asyncio", "closing"]


def test_an_instrument_that_raises_is_removed_and_the_others_go_on() -> None:
    instruments, seen = Instruments(), []

    class Seeing(Instrument):
        def collection_started(self, generation: int) -> None:
            seen.append(generation)

    instruments.add(Failing())
    instruments.add(Seeing())
    instruments.call("collection_started", 0)
    instruments.call("collection_started", 1)
    assert seen == [0, 1]
    assert instruments.problems == ["Failing.collection_started: ValueError: on purpose: 0"]


def test_a_failed_instrument_is_a_blind_spot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TRACKER, "instruments", Instruments())
    TRACKER.instruments.add(Failing())
    TRACKER.instruments.call("collection_started", 2)
    assert "switched off after an error: Failing.collection_started: ValueError: on purpose: 2" in blind_spots()


def test_a_hook_that_no_instrument_overrides_calls_nothing() -> None:
    instruments = Instruments()
    instruments.add(Loops())
    instruments.call("forked")
    instruments.call("fact", object())
