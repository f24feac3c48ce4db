"""A run folder is read whole, or one line says what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.model.codec import encode
from diagnostics.model.trial import Trial
from diagnostics.runs.reader import RunError, read_run
from diagnostics.runs.records import Run


def test_a_run_comes_back_as_it_was_written(folder: Path, sample: Run) -> None:
    run = read_run(folder)
    assert run.trials == sample.trials
    assert run.environments[: len(sample.environments)] == sample.environments
    assert {trial.environment.name for trial in run.trials} < {row.name for row in run.environments}
    assert run.meta == sample.meta
    assert run.warnings == ()
    assert run.timelines == sample.timelines
    assert len(run.timelines) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(data=st.data())
def test_a_cut_off_last_line_is_left_out_and_counted(folder: Path, sample: Run, data: st.DataObject) -> None:
    lines = [json.dumps(encode(trial)).encode() for trial in sample.trials[:3]]
    cut = data.draw(st.integers(1, len(lines[-1]) - 1))
    (folder / "trials.jsonl").write_bytes(b"\n".join([*lines[:2], lines[2][:cut]]))
    run = read_run(folder)
    assert run.trials == sample.trials[:2]
    assert run.warnings == ("1 line left out: line 3 of trials.jsonl is cut off",)


def test_a_last_line_without_its_newline_is_whole(folder: Path, sample: Run) -> None:
    path = folder / "trials.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    assert read_run(folder).trials == sample.trials
    assert read_run(folder).warnings == ()


@pytest.mark.parametrize("line", ["{", "null", '{"schema": "diagnostics.trial/9"}', "\udcff", "[" * 100_000])
def test_any_other_bad_line_is_an_error_with_its_number(folder: Path, line: str) -> None:
    path = folder / "trials.jsonl"
    good = path.read_bytes()
    path.write_bytes(good.split(b"\n")[0] + b"\n" + line.encode("utf-8", "surrogateescape") + b"\n" + good)
    with pytest.raises(RunError, match=r"trials\.jsonl: line 2: ") as error:
        read_run(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": 3},
        {"scenario": []},
        {"evidence": 5},
        {"trial": "0"},
        {"accounting": {"calls": "many"}},
        {"accounting": {"seconds": -1}},
        {"accounting": {"seconds": float("nan")}},
        {"load": {"runs": 0, "calls": 1, "concurrency": 1, "retries": 0}},
        {"load": {"runs": "x", "calls": 1, "concurrency": 1, "retries": 0}},
        {"symptom": "sad"},
        {"environment": "unheard-of"},
        {"environment": {"name": "e", "python": "3", "loop": "asyncio", "packages": {"openai": None}}},
    ],
)
def test_a_record_with_a_wrong_field_is_an_error(folder: Path, sample: Run, changes: dict[str, Any]) -> None:
    record = {**encode(sample.trials[0]), **changes}
    (folder / "trials.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    with pytest.raises(RunError, match="line 1"):
        read_run(folder)


@pytest.mark.parametrize("name", ["trials.jsonl", "environments.json", "run.json"])
def test_a_missing_file_is_one_line(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(RunError, match=name) as error:
        read_run(folder)
    assert "\n" not in str(error.value)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such run folder"):
        read_run(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["environments.json", "run.json"])
@pytest.mark.parametrize("content", ["", "{", "3", "null", "[1]", "{}", '[{"name": "x"}]', '{"schema": "x/1"}'])
def test_a_broken_file_is_one_line(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(RunError, match=name) as error:
        read_run(folder)
    assert "\n" not in str(error.value)


def test_a_run_without_trials_is_a_run(folder: Path) -> None:
    (folder / "trials.jsonl").write_text("", encoding="utf-8")
    assert read_run(folder).trials == ()


def test_trials_of_one_environment_share_its_record(
    written: Callable[[Run, Path], Path], trial: Callable[..., Trial], run_of: Callable[..., Run], tmp_path: Path
) -> None:
    """Ten thousand trials would otherwise hold ten thousand copies of the same packages."""
    run = read_run(written(run_of([trial(trial=0), trial(trial=1)]), tmp_path / "run"))
    assert run.trials[0].environment is run.trials[1].environment


@pytest.mark.parametrize("line", ["{", "{}", "[]", '{"number": -1, "subject": "L1", "name": "", "what": ""}'])
def test_a_timeline_that_is_none_is_an_error_with_its_file(folder: Path, sample: Run, line: str) -> None:
    (key,) = sample.timelines
    with (folder / "timelines" / f"{key}.events.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RunError, match=rf"{key}\.events\.jsonl: .*remove that file to go on without it") as error:
        read_run(folder)
    assert "\n" not in str(error.value)


def test_a_run_without_timelines_is_whole(folder: Path) -> None:
    for file in (folder / "timelines").iterdir():
        file.unlink()
    assert read_run(folder).timelines == {}
