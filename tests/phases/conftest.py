"""Trials and events to answer from, built by the project's own records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.lab.execution.workers import Target
from diagnostics.model.cell import BASELINE, Cell, Environment, Load
from diagnostics.model.event import Event
from diagnostics.model.finding import Site
from diagnostics.model.trial import Accounting, Trial

HERE = Environment("py3.13-here-0", "3.13.0", packages={"openai": "3.54.0", "httpx2": "2.16.2"})
LOGGED = (
    "Task exception was never retrieved\nfuture: <Task coro=<AsyncClient.aclose()> >\n"
    "RuntimeError: Event loop is closed"
)
RAISED = "RuntimeError: Event loop is closed"
EVIDENCE = {"logged": LOGGED, "raised": RAISED}


def make(
    scenario: str,
    symptom: str = "none",
    *,
    fix: str = BASELINE,
    trial: int = 0,
    instrumented: bool = False,
    **changes: Any,
) -> TrialResult:
    """A trial that ran, its accounting clean unless told otherwise."""
    where = changes.pop("environment", HERE)
    load = changes.pop("load", Load(2, 50, 50))
    events = changes.pop("events", ())
    calls = load.runs * load.calls
    accounting = Accounting(calls=calls, answers=calls, requests=calls, connections=calls, seconds=0.1)
    cell = Cell(where.name, changes.pop("provider", "openai"), scenario, fix, load)
    record = Trial(
        key=cell.key(trial, mode="fork", instrumented=instrumented),
        environment=where,
        cell=cell,
        trial=trial,
        mode="fork",
        instrumented=instrumented,
        status="ran",
        symptom=symptom,
        evidence=changes.pop("evidence", EVIDENCE.get(symptom)),
        accounting=replace(accounting, **changes),
    )
    return TrialResult(record, tuple(events))


class Diary:
    """Events of one trial, written in the order in which they happened."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, subject: str, what: str, by: str = "", **more: Any) -> Diary:
        site = Site("asyncio/base_events.py", 762, by, "") if by else None
        self.events.append(Event(len(self.events) + 1, subject, more.pop("name", ""), what, by=site, **more))
        return self


def late_collection() -> list[Event]:
    """Two objects with loops of their own; the collector finds the first while the second's loop runs."""
    diary = Diary()
    diary("L1", "created", "enter")("L1", "entered")("C1", "created", running="L1")(
        "C1", "used", loop="L1", running="L1"
    )
    diary("L1", "left")("L2", "created", "enter")("L2", "entered")("C2", "created", running="L2")
    diary("C2", "used", loop="L2", running="L2")("GC", "collected", running="L2", detail="generation 1")
    diary("L1", "closed", "BaseEventLoop.__del__", running="L2")(
        "C1", "finalised", running="L2", detail="by the collector"
    )
    diary("C1", "touched", "aclose", loop="L1", open=False, running="L2", detail="cross-loop-close: connection.aclose")
    diary("L2", "left")("GC", "collected", detail="generation 2")("C2", "finalised", detail="by the collector")
    return diary.events


def closed_runs() -> list[Event]:
    """One client, two runs that close their loops."""
    diary = Diary()
    diary("C1", "created")
    for loop in ("L1", "L2"):
        diary(loop, "created", "Runner._lazy_init")(loop, "entered")("C1", "used", loop=loop, running=loop)(
            loop, "left"
        )
        diary(loop, "entered", detail="to shut it down")(loop, "left", detail="to shut it down")
        diary(loop, "closed", "Runner.close")
    return diary.events


class Table:
    """A target that is not there: it answers each plan with what it was told, and remembers what was asked."""

    def __init__(self, answer: Callable[[Any], TrialResult]) -> None:
        self.target = Target(None, HERE)  # type: ignore[arg-type]  # nothing is started
        self.asked: list[Any] = []
        self._answer = answer

    def run(self, plans: Any, *, at_once: int = 1) -> list[TrialResult]:
        self.asked += plans
        return [self._answer(plan) for plan in plans]

    def others(self, provider: str) -> Any:
        return iter(())


@pytest.fixture(scope="session")
def played() -> Callable[..., TrialResult]:
    return make


@pytest.fixture(scope="session")
def diary() -> type[Diary]:
    return Diary


@pytest.fixture(scope="session")
def late() -> list[Event]:
    return late_collection()


@pytest.fixture(scope="session")
def runs() -> list[Event]:
    return closed_runs()


@pytest.fixture(scope="session")
def session() -> Callable[[Callable[[Any], TrialResult]], Table]:
    return Table
