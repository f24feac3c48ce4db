"""Each table of what may leave names the fields of its class, all of them and no others; the rest stays."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.lab.selection import RunRequest
from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.event import Event
from diagnostics.model.finding import Access, ClientFacts, ConnectionFacts, Fault, Finding, Hint, LoopFacts, Site
from diagnostics.model.phase import PhaseAnswer, PhaseResult, Table
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.phases.diagnosis import CONCLUSION_SCHEMA, Criterion
from diagnostics.redaction import field_rules, redact, tables
from diagnostics.redaction.files import Unlisted, record
from diagnostics.redaction.secrets import Secrets
from diagnostics.report import cleaning
from diagnostics.report.view.event_lines import as_json
from diagnostics.runs.records import EnvironmentRow, Run, RunMeta, Sweep
from diagnostics.sanitizer.analyze.recorded import Process
from diagnostics.sanitizer.output.json_document import document

ME = Secrets(user="marple", host="milchester")


def names(record_class: type) -> set[str]:
    return {field.name for field in fields(record_class)}


@pytest.mark.parametrize(
    ("table", "record_class"),
    [
        (tables.ENVIRONMENT, Environment),
        (tables.LOAD, Load),
        (tables.FINDING_COUNT, FindingCount),
        (tables.ACCOUNTING, Accounting),
        (tables.SITE, Site),
        (tables.CLIENT, ClientFacts),
        (tables.LOOP, LoopFacts),
        (tables.CONNECTION, ConnectionFacts),
        (tables.ACCESS, Access),
        (tables.FAULT, Fault),
        (tables.HINT, Hint),
        (tables.FINDING, Finding),
        (tables.EVIDENCE_TABLE, Table),
        (tables.ANSWER, PhaseAnswer),
        (tables.CRITERION, Criterion),
        (tables.ASKED, RunRequest),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_table_names_the_fields_of_its_class(table: field_rules.Table, record_class: type) -> None:
    assert set(table) == names(record_class)


@pytest.mark.parametrize("record_class", cleaning.CLASSES, ids=lambda each: each.__name__)
def test_the_table_of_a_class_that_reports_are_drawn_from_names_its_fields(record_class: type) -> None:
    table = set(cleaning.CLASSES[record_class])
    # The labels are given after the cleaning; what a file says of them is not read.
    assert table == names(record_class)


def test_every_record_within_a_run_has_a_table() -> None:
    records = {Run, Trial, Cell, Environment, Load, FindingCount, Accounting, EnvironmentRow, RunMeta}
    assert records | {Event, Site, Sweep} == set(cleaning.CLASSES)


CELL = Cell("e", "openai", "repeated-run", "none")
TRIAL = Trial("k", Environment("e", "3.13.0"), CELL, 0, "fork", instrumented=False, status="ran", symptom="none")
EVENT = Event(1, "L1", "asyncio", "created")
FINDINGS = PhaseResult(1, "t", "openai", Environment("e", "3.13.0"), {}, "then", 1.0, ())


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ("diagnostics.trial/1", TRIAL.to_json()),
        ("event", as_json("k", CELL, 0, EVENT)),
        ("diagnostics.phase/1", FINDINGS.to_json()),
        ("diagnostics.findings/1", document(Process(1), [], exit_code=0, blind_spots=())),
    ],
)
def test_a_table_names_what_is_written(schema: str, data: dict[str, Any]) -> None:
    assert set(tables.RECORDS[schema]) == set(data)


def test_the_conclusion_has_a_table() -> None:
    assert CONCLUSION_SCHEMA in tables.RECORDS


def test_a_field_that_no_table_names_stays() -> None:
    data = TRIAL.to_json() | {"hostname": "milchester"}
    data["environment"] = data["environment"] | {"prefix": "/home/marple"}
    assert record(data, ME) == TRIAL.to_json()


@pytest.mark.parametrize("data", [{}, {"schema": "diagnostics.new/1"}, {"schema": None}, [], "text", None])
def test_a_record_without_a_table_is_refused(data: Any) -> None:
    with pytest.raises(Unlisted, match=r"add it to redaction/tables\.py"):
        record(data, ME)


def clean(text: str) -> str:
    return text.replace("marple", "<user>")


@pytest.mark.parametrize(
    "way",
    [
        field_rules.word,
        field_rules.digest,
        field_rules.version,
        field_rules.time,
        field_rules.number,
        field_rules.text,
        field_rules.code,
        field_rules.file,
    ],
)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
@settings(max_examples=20)
def test_what_is_not_of_its_kind_is_cleaned_as_text(way: field_rules.Way, value: Any) -> None:
    hostile = {"deep": [value, "said marple"]}
    assert "said <user>" in str(way(hostile, clean))
    assert "<user>" in str(way("said by marple!", clean))


def test_a_word_of_ours_stays_where_a_user_is_called_so_and_a_key_does_not() -> None:
    secrets = Secrets(user="openai", host="fork")
    assert record(TRIAL.to_json(), secrets) == TRIAL.to_json()
    assert field_rules.word("sk-proj-Canary1234567890", lambda text: redact(text, secrets)) == "<key>"
    assert field_rules.digest("357d39644bf7ea02", clean) == "357d39644bf7ea02"


def test_a_version_says_nothing_of_who_built_it() -> None:
    assert field_rules.version("1.2.3+marple.laptop", clean) == "1.2.3"
    assert field_rules.version("3.13.0+", clean) == "3.13.0+"
    assert field_rules.version("3.15.0a2", clean) == "3.15.0a2"


@pytest.mark.parametrize(
    ("there", "shown"),
    [
        ("/srv/x/lib/python3.13/site-packages/httpx/_client.py", "httpx/_client.py"),
        ("/mnt/secret-project/app/main.py", "app/main.py"),
        (r"D:\secret-project\app\main.py", "app/main.py"),
        ("asyncio/runners.py", "asyncio/runners.py"),
        ("<string>", "<string>"),
    ],
)
def test_a_file_is_named_by_its_package_or_its_folder(there: str, shown: str) -> None:
    assert field_rules.file(there, clean) == shown


@pytest.mark.parametrize("content", [False, True])
def test_prose_in_a_line_of_code_is_a_prompt(content: bool) -> None:
    line = "ask(client, 'openai', 'summarise the letter of Miss M.', f\"and {that} too\")"
    secrets = Secrets(content=content)
    site = {"file": "a.py", "line": 1, "function": "main", "code": line}
    shown = field_rules.record(tables.SITE)(site, lambda text: redact(text, secrets))["code"]
    assert ("letter" in shown) is content
    assert "'openai'" in shown
