"""Any run there could be: trials, environments and timelines whose every text may be hostile."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.event import CLIENT_EVENTS, CONNECTION_EVENTS, LOOP_EVENTS, OTHER_EVENTS, Event
from diagnostics.model.finding import Site
from diagnostics.model.machine import Machine
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS
from diagnostics.redaction import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import EnvironmentRow, Run, RunMeta

HOSTILE = (
    "<script>alert(1)</script>",
    "]]>",
    "</details>",
    "```mermaid\nsequenceDiagram\nend\n```",
    "end; %%{init: {}}%% #quot; participant X",
    "x|y`z ~~~ <!-- @someone #12 ![a](http://b)",
    "\x1b[31m\x00\ufffe\ud800",
    '"},{"a":"',
    "",
)
words = st.sampled_from(HOSTILE) | st.text(max_size=12)
names = st.sampled_from(["openai", "httpx", "httpx2", "anthropic", "google-genai"]) | words
_packages = st.dictionaries(
    st.sampled_from(["openai", "httpx", "httpx2", "anyio", "aiohttp"]) | words, words, max_size=4
)
environments = st.builds(Environment, name=words, python=words, packages=_packages)
_counts = st.integers(0, 50)
_sites = st.none() | st.builds(Site, file=words, line=_counts, function=words, code=words)
_what = st.sampled_from([*LOOP_EVENTS, *CLIENT_EVENTS, *CONNECTION_EVENTS, *OTHER_EVENTS]) | words
_lanes = st.sampled_from(["L1", "L2", "C1", "C2", "X1"])
events = st.builds(
    Event,
    number=_counts,
    subject=_lanes | st.sampled_from(["GC", "LOG"]) | words,
    name=words,
    what=_what,
    running=st.none() | _lanes | words,
    loop=st.none() | _lanes,
    open=st.none() | st.booleans(),
    by=_sites,
    site=_sites,
    detail=words,
    at=st.none() | st.floats(0, 100),
    thread=st.none() | words,
    client=st.none() | _lanes,
)


@st.composite
def trials(draw: st.DrawFn, environment: Environment) -> Trial:
    status = draw(st.sampled_from(["ran", "ran", "ran", *STATUSES]))
    load = draw(st.sampled_from([Load(), Load(runs=1, calls=1, concurrency=1, retries=0)]))
    fix = draw(st.sampled_from(["none", "none", "runner", "single-run"]) | words)
    scenario = draw(st.sampled_from(["repeated-run", "gc-inside-run"]) | words)
    cell = Cell(environment.name, draw(names), scenario, fix, load)
    number, instrumented = draw(st.integers(0, 3)), draw(st.booleans())
    finding = st.builds(
        FindingCount, st.sampled_from(list(FINDING_KINDS)), st.sampled_from(list(SEVERITIES)), st.integers(1, 9)
    )
    ran = status == "ran"
    return Trial(
        key=f"{abs(hash((cell, number, instrumented))):016x}"[:16],
        environment=environment,
        cell=cell,
        trial=number,
        mode="fork",
        instrumented=instrumented,
        status=status,
        reason=None if ran else draw(words),
        symptom=draw(st.sampled_from(list(SYMPTOMS))) if ran else None,
        evidence=draw(st.none() | words) if ran else None,
        findings=tuple(draw(st.lists(finding, max_size=2))) if ran and instrumented else (),
        accounting=draw(st.builds(Accounting, *[_counts] * 5, st.floats(0, 100), *[_counts] * 3)),
    )


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """A run as `read_run` may give it."""
    places = draw(st.lists(environments, min_size=1, max_size=3, unique_by=lambda place: place.name))
    found = draw(st.lists(st.sampled_from(places).flatmap(trials), max_size=8))
    row = st.builds(EnvironmentRow, words, words, st.sampled_from(list(STATUSES)), st.none() | words, words, _packages)
    rows = draw(st.lists(row, max_size=2, unique_by=lambda row: row.name))
    meta = RunMeta(
        started=draw(words),
        finished=draw(st.none() | words),
        machine=Machine(draw(words), draw(st.none() | st.integers(1, 64)), draw(words)),
        command=tuple(draw(st.lists(words, max_size=2))),
        profile=draw(words),
        seconds=draw(st.floats(0, 1e6)),
        trial_seconds=draw(st.floats(0, 1e6)),
    )
    timelines = {trial.key: tuple(draw(st.lists(events, max_size=12))) for trial in found[:2]}
    return Run(tuple(found), tuple(rows), meta, tuple(draw(st.lists(words, max_size=1))), timelines)


views: st.SearchStrategy[View] = runs().map(lambda run: build_view(run, Secrets()))


def swollen(run: Run, line: str) -> Run:
    """The run with one text in place of every evidence, reason, warning and detail of an event."""
    found = [
        replace(trial, evidence=line) if trial.status == "ran" else replace(trial, reason=line) for trial in run.trials
    ]
    timelines = {
        key: tuple(replace(event, detail=line, name=line) for event in events) for key, events in run.timelines.items()
    }
    rows = tuple(replace(row, reason=row.reason and line) for row in run.environments)
    return replace(run, trials=tuple(found), environments=rows, timelines=timelines, warnings=(line,))
