"""Canaries in every place that a run reads: none is in any format, nor in any file of a run folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diagnostics.lab.execution.outcome import Traces, TrialPlan, TrialResult, conclude, not_run
from diagnostics.lab.server import Account
from diagnostics.model.cell import Cell, Environment
from diagnostics.model.codec import encode
from diagnostics.model.event import Event
from diagnostics.model.finding import Access, ClientFacts, ConnectionFacts, Fault, Finding, Hint, Site
from diagnostics.model.machine import Machine
from diagnostics.model.phase import PhaseAnswer, PhaseResult, Table
from diagnostics.phases.record import write_phase
from diagnostics.redaction import Secrets, redact
from diagnostics.redaction.records import redacted
from diagnostics.report.formats.registry import FORMATS, write_reports
from diagnostics.report.view.build import build_view
from diagnostics.report.view.event_lines import trial_event
from diagnostics.runs import writer as stores
from diagnostics.runs.reader import read_run
from diagnostics.runs.records import EnvironmentRow, MergedPart, Run, RunMeta, RunRequest
from diagnostics.runs.writer import Store
from tests.redaction.canaries import FORMED, KNOWN, PLACED, SPELLINGS, VARIABLES, traces

pytestmark = pytest.mark.slow
ME = Secrets.of_this_machine(VARIABLES)
EVERY = (*KNOWN, *FORMED, *PLACED.values())
HERE = Environment("py3.13_openai-3.54.0-1a2b3c4d", "3.13.0", packages={"openai": "3.54.0+canarymarple"})
CELL = Cell(HERE.name, "openai", "repeated-run", "none")
CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
BREAKS_MARKUP = "<script>alert(1)</script> ```mermaid\ngraph TD; A-->B\n``` | a | b |\n"

planted = st.one_of(
    st.tuples(st.sampled_from(list(SPELLINGS)), st.sampled_from([*KNOWN, *FORMED])).map(
        lambda it: SPELLINGS[it[0]](it[1])
    ),
    st.sampled_from(list(PLACED)).map(lambda place: place.format(PLACED[place])),
)
said = st.lists(
    planted | st.sampled_from(["RuntimeError: Event loop is closed", BREAKS_MARKUP]), min_size=1, max_size=6
).map("\n".join)


def trial(text: str, number: int = 0, **changes: Any) -> Any:
    plan = TrialPlan(CELL, number, "fork")
    traces_left = Traces({"status": "ran", "raised": 1, "errors": [text], "calls": 2}, 0, False, text, Account())
    return replace(conclude(plan, HERE, traces_left, lambda raw: redact(raw, ME)), **changes)


def a_run(text: str) -> Run:
    """Records as a careless program would have left them: nothing in them was ever cleaned."""
    careless = [
        trial("x", evidence=text),
        replace(
            not_run(TrialPlan(replace(CELL, fix="single-run"), 0, "cold"), HERE, "incompatible", "x", str), reason=text
        ),
    ]
    rows = tuple(
        EnvironmentRow(f"{status}-1", f"{status}-1", status, text, "3.13.0", {"openai": "3.54.0+canarymarple"})
        for status in ("unsatisfiable", "unavailable", "broken")
    )
    machine = Machine(f"Linux {text}", 2, "3.12.1")
    meta = RunMeta("2026-11-20T10:00:00+00:00", text, machine, ("python", text), text, 1.0, 1.0)
    return Run(tuple(careless), rows, meta, (text,))


def as_version(text: str) -> str:
    """A value for a field of versions, in which what has their form stays: one of nvidia-curand is 10.3.10.19."""
    return "3.13.0" if re.fullmatch(r"[0-9.]+", text) else text


def texts(drawn: str | Mapping[str, bytes]) -> list[str]:
    return [drawn] if isinstance(drawn, str) else [part.decode() for part in drawn.values()]


@given(text=said)
@example(text="10.47.11.99")
@settings(max_examples=12)
def test_no_format_shows_one(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    view = build_view(a_run(text), ME)
    for name, row in FORMATS.items():
        if name != "png":  # drawn from the same as the SVG
            for part in texts(row.render(view)):
                assert traces(part, EVERY) == [], name
    folder = tmp_path_factory.mktemp("run")
    for path in write_reports(view, folder):
        assert traces(path.read_text(encoding="utf-8"), EVERY) == [], path.name


@given(text=said)
@example(text="10.47.11.99")
@settings(max_examples=12)
def test_no_file_of_a_run_folder_holds_one(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("run")
    with Store(folder, ME) as store:
        store.append(trial("x", evidence=text))
        store.append(trial(text, number=1))
        store.put_environments(EnvironmentRow("e", "e", "broken", text, as_version(text), {text: as_version(text)}))
        request = RunRequest(provider=(text,), matrix=text, as_of=text)
        machine = Machine(text, 1, as_version(text))
        merged = (MergedPart(text, 1, text, machine),)
        store.put_meta(
            RunMeta(
                text, text, Machine(text, 1, as_version(text)), ("x", text), text, 1, 1, None, request, text, merged
            )
        )
        store.put_lock("e", f"--index-url {text}\nopenai==3.54.0 --hash=sha256:{'0f' * 32}\n# {text}\n")
        site = Site(f"/srv/people/canarymarple/{text}.py", 1, text, text)
        event = Event(1, "L1", text, text, by=site, site=site, detail=text, thread=text, stack=(site,))
        store.put_timeline("k", [event])
        stores.write_lines(folder / "phase1.events.jsonl", [trial_event("k", CELL, 0, event)], ME)
        stores.write_whole(folder / "notes.md", text, ME)
    paths = [path for path in folder.rglob("*") if path.is_file()]
    assert len(paths) >= 8
    for path in paths:
        assert traces(path.read_text(encoding="utf-8"), EVERY) == [], path.name


@given(text=said)
@example(text="10.47.11.99")
@settings(max_examples=10)
def test_no_file_of_a_phase_holds_one(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("phase")
    answer = PhaseAnswer(
        "Why?", (text, f"`{text}`"), tables=(Table("t", ("a",), ((text,),)),), facts={"seen": [text], text: 1}
    )
    event = Event(1, "L1", "asyncio", "created", site=Site("a.py", 1, "main", text), detail=text)
    one = trial("x", evidence=text)
    found = PhaseResult(
        1, "t", "openai", HERE, Machine(text, 1, as_version(text)), "now", 1.0, (answer,), (one,), (HERE,)
    )
    # The names of this process are not those of the canaries' owner: theirs go where the phase itself knows them.
    own = redacted(found, ME)
    write_phase(own, [TrialResult(one, (event,))], folder)
    for path in folder.iterdir():
        kinds = (*FORMED, *PLACED.values()) if path.name.endswith("events.jsonl") else EVERY
        assert traces(path.read_text(encoding="utf-8"), kinds) == [], path.name


@given(text=said)
@example(text="10.47.11.99")
@settings(max_examples=10)
def test_the_document_of_a_persons_program_leaves_without_one(text: str) -> None:
    site = Site("/srv/people/canarymarple/app/main.py", 3, "main", f"client.ask({text!r})")
    finding = Finding(
        kind="cross-loop-use",
        severity="error",
        count=1,
        message=text,
        client=ClientFacts("C1", "openai.AsyncOpenAI", site, (site,)),
        loop=None,
        connection=ConnectionFacts("X1", "10.47.11.99:443", site),
        access=Access("L1", site, "send", "call", (site,)),
        fault=Fault("user", site, text),
        hint=Hint(None, text),
    )
    left = redacted(finding, ME)
    assert traces(json.dumps(encode(left)), EVERY) == []
    assert left.client is not None
    assert left.client.created_at is not None
    assert left.client.created_at.file == "app/main.py"


def test_a_report_says_what_was_taken_out_and_how_often(tmp_path: Path) -> None:
    with Store(tmp_path, ME) as store:
        for number in range(3):
            store.append(trial("sk-proj-Canary1234567890 in /srv/people/canarymarple/a.py", number))
        store.put_environments(EnvironmentRow("e", "e", "broken", "no <user>", "3", {}, redacted={"user": 1}))
        store.put_meta(stores.new_meta(["x"], "default", redacted={"e-mail": 2}))
    view = build_view(read_run(tmp_path), ME)
    assert view.redacted == {"key": 3, "user": 1, "home": 3, "e-mail": 2}
    assert build_view(read_run(tmp_path), ME).redacted == view.redacted, "reading it again adds nothing"
    (report,) = texts(FORMATS["markdown"].render(view))
    assert "Redacted: 9 pieces of text." in report
    write_reports(view, tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text())["redacted"] == view.redacted


def test_no_format_has_a_control_character_or_a_mark_of_direction() -> None:
    view = build_view(a_run("RuntimeError: \x1b]0;t\x07\x1b[31m\0\x9b2J\u202e\u2066 end"), ME)
    for name, row in FORMATS.items():
        for text in texts(row.render(view)):
            assert CONTROL.findall(text) == [], name


def test_what_a_run_kept_of_prompts_goes_from_its_report_unless_a_person_asks() -> None:
    run = a_run("{'role': 'user', 'content': 'placed canary prompt'}")
    assert "placed canary prompt" not in FORMATS["markdown"].render(build_view(run, Secrets()))
    assert "placed canary prompt" in FORMATS["markdown"].render(build_view(run, Secrets(content=True)))


def test_a_line_of_ten_megabytes_does_no_harm(tmp_path: Path) -> None:
    line = f"RuntimeError: {'x' * 5_000_000} sk-proj-Canary1234567890 {'<b>' * 1_700_000}"
    with Store(tmp_path, ME) as store:
        store.append(trial(line))
    assert (tmp_path / "trials.jsonl").stat().st_size < 5_000
    view = build_view(a_run(line), ME)
    for row in FORMATS.values():
        assert len(row.render(view)) < 100_000
