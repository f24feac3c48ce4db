"""Folders that earlier versions wrote, of schema 1, can be read, reported, merged and resumed.

`schema_1` is a part of a real run: two environments with their trials, one that could not be made, and a timeline.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from diagnostics.cli import app
from diagnostics.model.codec import RecordError
from diagnostics.model.machine import Machine
from diagnostics.model.phase import read_phase
from diagnostics.redaction import Secrets
from diagnostics.runs.reader import read_run
from diagnostics.runs.upgrade import upgraded
from diagnostics.runs.writer import Store, StoreError

FOLDER = Path(__file__).parent / "schema_1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "run"))


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_it_is_read_with_the_names_of_today() -> None:
    run = read_run(FOLDER)
    lines = [json.loads(line) for line in (FOLDER / "trials.jsonl").read_text(encoding="utf-8").splitlines()]
    assert run.warnings == ()
    assert run.meta.machine == Machine("Linux", 2, "3.11.7")
    assert run.meta.request is not None
    assert (run.meta.request.provider, run.meta.request.calls) == (("openai",), 5)
    assert [row.status for row in run.environments] == ["ran", "ran", "unsatisfiable"]
    assert [len(events) > 1 for events in run.timelines.values()] == [True]
    for line, trial in zip(lines, run.trials, strict=True):
        assert (trial.instrumented, trial.cell.load.calls) == (line["watched"], line["load"]["jets"])
        assert trial.environment.packages == line["environment"]["packages"]
        assert trial.key == line["key"]
        again = trial.cell.key(trial.trial, mode=trial.mode, instrumented=trial.instrumented)
        assert trial.key == again, "a resumed run must find what is stored"


def test_it_is_reported(folder: Path) -> None:
    call("report", folder)
    assert "`context-manager`" in (folder / "report.md").read_text(encoding="utf-8")


def test_it_is_merged_with_a_run_of_today(folder: Path, tmp_path: Path) -> None:
    today = Path(shutil.copytree(folder, tmp_path / "today"))
    with Store(today, Secrets()):
        pass  # opening it upgrades it
    call("merge", folder, today, "--out", tmp_path / "merged")
    assert {trial.key for trial in read_run(tmp_path / "merged").trials} == {one.key for one in read_run(FOLDER).trials}


def test_resuming_rewrites_it_once(folder: Path) -> None:
    before = read_run(folder)
    size = (folder / "trials.jsonl").stat().st_size
    with Store(folder, Secrets()) as store:
        assert set(store.done) == {trial.key for trial in before.trials}
    assert read_run(folder) == before
    assert (folder / "trials.jsonl").stat().st_size < 0.45 * size
    assert "diagnostics.trial/1" not in (folder / "trials.jsonl").read_text(encoding="utf-8")
    rewritten = (folder / "trials.jsonl").stat().st_ino
    with Store(folder, Secrets()):
        assert (folder / "trials.jsonl").stat().st_ino == rewritten


def test_an_environment_that_only_trials_name_gets_a_row(folder: Path) -> None:
    before = read_run(folder)
    (folder / "environments.json").write_text("[]", encoding="utf-8")
    with Store(folder, Secrets()):
        pass
    assert read_run(folder).trials == before.trials


def test_a_broken_line_is_named_and_nothing_is_rewritten(folder: Path) -> None:
    file = folder / "trials.jsonl"
    broken = file.read_bytes().replace(b'"provider"', b'"vendor"', 1)
    file.write_bytes(broken)
    with pytest.raises(StoreError, match=r"trials\.jsonl: line 1: provider is missing"):
        Store(folder, Secrets())
    assert file.read_bytes() == broken


@pytest.mark.parametrize("schema", ["trial", "run", "phase", "bisect"])
@pytest.mark.parametrize("fields", [{}, {"environment": 3, "looks": 3, "load": []}])
def test_what_only_claims_to_be_one_is_refused(schema: str, fields: dict[str, Any]) -> None:
    data = {"schema": f"diagnostics.{schema}/1", **fields}
    if schema == "run":  # nothing but names has changed
        assert upgraded(data)["schema"] == "diagnostics.run/2"
        return
    with pytest.raises(RecordError, match=rf"^a field of schema diagnostics\.{schema}/1 is missing or wrong: "):
        upgraded(data)


def test_the_record_of_a_phase() -> None:
    trial = json.loads((FOLDER / "trials.jsonl").read_text(encoding="utf-8").splitlines()[0])
    facts = {"by_jets": [{"runs": 3, "jets": 5, "concurrency": 1, "shown": 0, "trials": 3}]}
    answer = {"question": "?", "sentences": ["!"], "verdict": "known", "tables": [], "facts": facts}
    data = {
        "schema": "diagnostics.phase/1",
        "phase": 6,
        "title": "load",
        "provider": "openai",
        "environment": trial["environment"],
        "machine": {"system": "Linux", "cpus": 2, "python": "3.12.1"},
        "started": "2026-11-22T00:00:00+00:00",
        "seconds": 1.0,
        "answers": [answer],
        "trials": [trial],
    }
    found = read_phase(upgraded(data))
    assert found.number == 6
    assert found.facts()["by_calls"][0]["calls"] == 5
    assert [one.key for one in found.trials] == [trial["key"]]
