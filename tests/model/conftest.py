"""Hypothesis strategies for records, as fixtures, because test modules do not import each other."""

from __future__ import annotations

from dataclasses import replace
from zlib import crc32

import pytest
from hypothesis import strategies as st

from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS

names = st.text(min_size=1, max_size=12)
_COUNTED = ("calls", "answers", "requests", "retries", "connections", "fds_left", "fds_leaked", "threads_left")
counts = st.integers(min_value=0, max_value=1000)


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    packages = draw(st.dictionaries(names, names, max_size=3))
    python, loop = draw(names), draw(st.sampled_from(["asyncio", "uvloop"]))
    # One name is one environment, as in a run: the name ends in a hash of the rest.
    return Environment(f"{draw(names)}-{crc32(repr((python, loop, packages)).encode()):08x}", python, loop, packages)


@st.composite
def loads(draw: st.DrawFn) -> Load:
    sizes = st.integers(min_value=1, max_value=300)
    return Load(draw(sizes), draw(sizes), draw(sizes), draw(st.integers(min_value=0, max_value=9)))


@st.composite
def trials(draw: st.DrawFn, status: str | None = None) -> Trial:
    environment = draw(environments())
    cell = Cell(environment.name, draw(names), draw(names), draw(names), draw(loads()))
    ran = (status or draw(st.sampled_from(list(STATUSES)))) == "ran"
    number, mode, instrumented = draw(counts), draw(st.sampled_from(["fork", "cold"])), draw(st.booleans())
    severities = st.sampled_from(list(SEVERITIES))
    finding = st.builds(FindingCount, st.sampled_from(list(FINDING_KINDS)), severities, counts)
    numbers = {name: draw(counts) for name in _COUNTED}
    return Trial(
        key=cell.key(number, mode=mode, instrumented=instrumented),
        environment=environment,
        cell=cell,
        trial=number,
        mode=mode,
        instrumented=instrumented,
        status="ran" if ran else draw(st.sampled_from([word for word in STATUSES if word != "ran"])),
        reason=None if ran else draw(names),
        symptom=draw(st.sampled_from(list(SYMPTOMS))) if ran else None,
        evidence=draw(st.none() | st.text(max_size=30)),
        findings=tuple(draw(st.lists(finding, max_size=3))),
        accounting=Accounting(**numbers, seconds=draw(st.floats(min_value=0, max_value=1e6))),
    )


@st.composite
def ran_trials(draw: st.DrawFn) -> Trial:
    """A trial that ran and is, as often as not, clean: equal counts hardly ever come up by chance."""
    trial = draw(trials(status="ran"))
    if draw(st.booleans()):
        return trial
    return clean(trial)


def clean(trial: Trial) -> Trial:
    calls = trial.accounting.calls
    accounting = replace(trial.accounting, answers=calls, requests=calls, fds_leaked=0)
    return replace(trial, status="ran", reason=None, symptom="none", findings=(), accounting=accounting)


@pytest.fixture(scope="session")
def any_trial() -> st.SearchStrategy[Trial]:
    return trials()


@pytest.fixture(scope="session")
def ran() -> st.SearchStrategy[Trial]:
    return ran_trials()


@pytest.fixture(scope="session")
def clean_trial() -> st.SearchStrategy[Trial]:
    return trials(status="ran").map(clean)
