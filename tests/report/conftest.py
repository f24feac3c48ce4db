"""Records to report on, built by the project's own classes: a plausible small run, and parts to build others from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.event import Event
from diagnostics.model.finding import Site
from diagnostics.model.machine import Machine
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.redaction import Secrets
from diagnostics.runs.records import EnvironmentRow, Run, RunMeta
from diagnostics.runs.writer import Store

CLEAN = Accounting(calls=15, answers=15, requests=15, connections=5, seconds=0.1)
META = RunMeta(
    started="2026-11-20T10:00:00+00:00",
    finished="2026-11-20T10:02:30+00:00",
    machine=Machine("Linux 6.1", 2, "3.12.1"),
    command=("nox", "-s", "repro"),
    profile="default",
    seconds=150.0,
    trial_seconds=130.0,
)
# What each fix does where the baseline shows something: symptom and what its accounting changes.
EFFECTS: dict[str, tuple[str, dict[str, Any]]] = {
    "none": ("logged", {"answers": 15, "requests": 18, "fds_left": 6, "fds_leaked": 6}),
    "single-run": ("none", {}),
    "context-manager": ("none", {"connections": 15, "seconds": 0.12}),
    "background-loop": ("none", {"threads_left": 1}),
    "never-close": ("none", {"fds_left": 9, "fds_leaked": 9}),
    "instance-loop": ("logged", {"fds_left": 6, "fds_leaked": 6}),
    "no-keepalive": ("raised", {"answers": 10}),
}


def environment(openai: str, stack: str, version: str, python: str = "3.13.0") -> Environment:
    return Environment(
        f"py{python}-openai{openai}-{stack}{version}", python, packages={"openai": openai, stack: version}
    )


OLD, MIDDLE, NEW = (
    environment("1.54.0", "httpx", "0.27.2"),
    environment("2.54.0", "httpx", "0.28.1"),
    environment("3.54.0", "httpx2", "2.16.2"),
)


def make_trial(fix: str = "none", symptom: str = "none", **changes: Any) -> Trial:
    """A trial that ran clean unless told otherwise; a field of any of its parts can be named."""
    where = changes.pop("environment", OLD)
    parts = {name: changes.pop(name) for name in list(changes) if name in Accounting.__dataclass_fields__}
    cell = Cell(
        environment=where.name,
        provider=changes.pop("provider", "openai"),
        scenario=changes.pop("scenario", "repeated-run"),
        fix=fix,
        load=changes.pop("load", Load()),
    )
    number, mode, instrumented = (
        changes.pop("trial", 0),
        changes.pop("mode", "fork"),
        changes.pop("instrumented", False),
    )
    status = changes.pop("status", "ran")
    return Trial(
        key=cell.key(number, mode=mode, instrumented=instrumented),
        environment=where,
        cell=cell,
        trial=number,
        mode=mode,
        instrumented=instrumented,
        status=status,
        symptom=symptom if status == "ran" else None,
        accounting=replace(CLEAN, **parts),
        **changes,
    )


def make_run(trials: list[Trial], rows: tuple[EnvironmentRow, ...] = (), **meta: Any) -> Run:
    return Run(tuple(trials), rows, replace(META, **meta))


def make_events() -> tuple[Event, ...]:
    """A client that is used on two loops, of which the first is closed before the second touches its connection."""
    main, run = Site("experiment/fix.py", 30, "play", ""), Site("asyncio/runners.py", 71, "Runner.close", "")
    send = Site("httpcore/_async/http11.py", 150, "AsyncHTTP11Connection._send_request_headers", "")
    words: list[tuple[str, str, dict[str, Any]]] = [
        ("C1", "created", {"name": "openai.AsyncOpenAI", "by": main, "site": main, "stack": (main,)}),
        ("L1", "created", {"name": "asyncio", "open": True}),
        ("L1", "entered", {"open": True}),
        ("C1", "used", {"name": "openai.AsyncOpenAI", "running": "L1", "loop": "L1", "open": True}),
        ("X1", "opened", {"name": "localhost:1", "running": "L1", "loop": "L1", "open": True, "client": "C1"}),
        ("X1", "used", {"name": "localhost:1", "running": "L1", "loop": "L1", "open": True, "client": "C1"}),
        ("L1", "left", {"open": True}),
        ("L1", "closed", {"open": False, "by": run, "site": main, "stack": (run, main)}),
        ("L2", "created", {"name": "asyncio", "open": True}),
        ("L2", "entered", {"open": True}),
        ("C1", "used", {"name": "openai.AsyncOpenAI", "running": "L2", "loop": "L2", "open": True}),
        (
            "C1",
            "touched",
            {
                "running": "L2",
                "loop": "L1",
                "open": False,
                "by": send,
                "site": main,
                "detail": "cross-loop-use: connection.send",
                "connection": "X1",
                "stack": (send, main),
            },
        ),
        ("GC", "collected", {"running": "L2", "detail": "generation 2"}),
        ("C1", "gone", {"detail": "by the collector", "running": "L2", "same_stack": 12}),
        ("L2", "closed", {"open": False, "same_stack": 8}),
    ]
    return tuple(
        Event(number, subject, what=what, **{"name": "", "thread": "MainThread", "at": number / 1000, **more})
        for number, (subject, what, more) in enumerate(words, start=1)
    )


def make_sample() -> Run:
    trials = []
    for where in (OLD, MIDDLE, NEW):
        for scenario in ("repeated-run", "gc-inside-run", "fork"):
            fixed = where is NEW and scenario == "repeated-run"  # the newest release has fixed this one
            for fix, effect in EFFECTS.items():
                seen, numbers = ("none", {}) if fixed else effect
                if fix == "background-loop" and scenario == "fork":
                    seen = "hang"
                said = "RuntimeError: Event loop is closed" if seen != "none" else None
                cell = {"environment": where, "scenario": scenario, "evidence": said, **numbers}
                trials += [make_trial(fix, seen, trial=number, **cell) for number in range(2)]
            reason = "openai 1.54.0 has no aiohttp transport"
            cell = {"environment": where, "scenario": scenario, "status": "incompatible", "reason": reason}
            trials.append(make_trial("aiohttp-transport", **cell))
    leak = (FindingCount("client-left-open", "leak", 2), FindingCount("cross-loop-close", "error", 1))
    trials.append(make_trial("none", "logged", environment=OLD, instrumented=True, findings=leak))
    missing = EnvironmentRow("py3.15", "py3.15", "unavailable", "no python3.15 on this machine", "3.15", {})
    reason = "openai==3.54.0 needs httpx2, and Python 3.10 has none"
    no_lock = EnvironmentRow("py3.10-x", "py3.10-openai3.54.0", "unsatisfiable", reason, "3.10", {})
    return replace(make_run(trials, (no_lock, missing)), timelines={trials[-1].key: make_events()})


def write_run(run: Run, folder: Path) -> Path:
    with Store(folder, Secrets()) as store:
        store.put_environments(*run.environments)
        store.append(*run.trials)
        store.put_meta(run.meta)
        for key, events in run.timelines.items():
            store.put_timeline(key, events)
    return folder


@pytest.fixture(scope="session")
def trial() -> Callable[..., Trial]:
    return make_trial


@pytest.fixture(scope="session")
def run_of() -> Callable[..., Run]:
    return make_run


@pytest.fixture(scope="session")
def sample() -> Run:
    return make_sample()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the sample run."""
    return write_run(make_sample(), tmp_path / "run")


@pytest.fixture(scope="session")
def env() -> Callable[..., Environment]:
    return environment


@pytest.fixture(scope="session")
def written() -> Callable[[Run, Path], Path]:
    return write_run
