"""Every field of every record says how it may leave the machine, and leaves in that way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.model.bisection import Bisection
from diagnostics.model.cell import Cell, Environment
from diagnostics.model.codec import decode, encode
from diagnostics.model.field_types import Rule, Word
from diagnostics.model.finding import Finding, Site
from diagnostics.model.phase import PhaseResult
from diagnostics.model.trial import Trial
from diagnostics.phases.diagnosis import Diagnosis
from diagnostics.redaction import field_rules, files, records, redact
from diagnostics.redaction.field_rules import RULES
from diagnostics.redaction.secrets import Secrets
from diagnostics.report.view.event_lines import TrialEvent
from diagnostics.runs.records import EnvironmentRow, Run, RunMeta

ME = Secrets(user="marple", host="milchester")


CELL = Cell("e", "openai", "repeated-run", "none")
TRIAL = Trial("357d39644bf7ea02", Environment("e", "3.13.0"), CELL, status="ran", symptom="none")
RECORDS = (Run, RunMeta, EnvironmentRow, Trial, Finding, PhaseResult, Diagnosis, Bisection, TrialEvent)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_every_field_of_every_record_says_how_it_may_leave(kind: type) -> None:
    records._class_rule(kind)  # or a TypeError that names the field


@dataclass(frozen=True)
class Careless:
    host: str


@dataclass(frozen=True)
class Holder:
    parts: tuple[dict[Word, Careless], ...]


@pytest.mark.parametrize("record", [Careless("milchester"), Holder(())])
def test_a_field_that_says_nothing_is_refused(record: Careless | Holder, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"^Careless\.host does not say how it may leave the machine"):
        records.redacted(record, ME)
    with pytest.raises(TypeError):
        files.write_record(tmp_path / "new.json", record, ME)
    assert list(tmp_path.iterdir()) == []


def test_a_field_that_no_class_has_is_not_written() -> None:
    data = encode(TRIAL) | {"hostname": "milchester"}
    assert decode(Trial, data, {"e": TRIAL.environment}) == TRIAL


def clean(text: str) -> str:
    return text.replace("marple", "<user>")


@pytest.mark.parametrize("rule", Rule)
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
@settings(max_examples=20)
def test_what_is_not_of_its_kind_is_cleaned_as_text(rule: Rule, value: Any) -> None:
    way = RULES[rule]
    hostile = {"deep": [value, "said marple"]}
    assert "said <user>" in str(way(hostile, clean))
    assert "<user>" in str(way("said by marple!", clean))


def test_a_word_of_ours_stays_where_a_user_is_called_so_and_a_key_does_not() -> None:
    secrets = Secrets(user="openai", host="fork")
    assert records.redacted(TRIAL, secrets) == TRIAL
    assert field_rules.text("sk-proj-Canary1234567890", lambda text: redact(text, secrets)) == "<key>"
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
    shown = records.redacted(Site("a.py", 1, "main", line), secrets).code
    assert ("letter" in shown) is content
    assert "'openai'" in shown
