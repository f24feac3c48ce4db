"""Runs that belong together become one, with nothing lost and nothing twice; the others are refused in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from diagnostics.cli import app
from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.machine import Machine
from diagnostics.model.trial import Accounting, Trial
from diagnostics.runs.layout import TRIALS
from diagnostics.runs.merge import MergedRun, MergeError, join, read_part, read_parts, write
from diagnostics.runs.reader import stored_trials
from diagnostics.runs.records import EnvironmentRow, RunMeta
from diagnostics.runs.writer import Store

LOCK = f"openai==3.54.0 --hash=sha256:{0:064}\n"


def environment(number: int) -> Environment:
    return Environment(f"py3.13_openai-{number}-abcd", "3.13.0", packages={"openai": f"{number}"})


def trial(number: int, where: int = 1, *, mode: str = "fork", **changed: Any) -> Trial:
    cell = Cell(environment(where).name, "openai", "repeated-run", "none", Load())
    told = {"status": "ran", "symptom": "raised", "evidence": "RuntimeError: Event loop is closed", **changed}
    key = cell.key(number, mode=mode, instrumented=False)
    return Trial(key, environment(where), cell, number, mode, accounting=Accounting(15, 10, 15), **told)


def row(where: int, status: str = "ran") -> EnvironmentRow:
    slug = environment(where).name.rpartition("-")[0]
    return EnvironmentRow(
        name=environment(where).name if status == "ran" else slug,
        slug=slug,
        status=status,
        reason=None if status == "ran" else "no such Python",
        python="3.13.0",
        packages=environment(where).packages,
    )


def part(name: str, trials: list[Trial], **changed: Any) -> MergedRun:
    places = sorted({int(one.environment.packages["openai"]) for one in trials})
    meta = RunMeta(
        started=f"2026-11-01T00:00:0{len(name)}+00:00",
        finished="2026-11-01T01:00:00+00:00",
        machine=Machine("Linux", 2, "3.11.7"),
        command=("python", "-m", "diagnostics", "repro"),
        profile="default",
        seconds=10.0,
        trial_seconds=9.0,
    )
    locks = {environment(at).name: LOCK for at in places}
    return MergedRun(name, replace(meta, **changed), tuple(row(where) for where in places), trials, locks)


shares = st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 3)), max_size=12), min_size=2, max_size=5)


@given(shares)
def test_every_trial_of_every_run_is_there_once(shares: list[list[tuple[int, int]]]) -> None:
    parts = [
        part(f"run {number}", [trial(*which) for which in dict.fromkeys(share)]) for number, share in enumerate(shares)
    ]
    merged = join(parts)
    wanted = {one.key: one for each in parts for one in each.trials}
    assert {one.key: one for one in merged.trials} == wanted
    assert len(merged.trials) == len(wanted)
    names = [environment.name for environment in merged.rows]
    assert sorted(names) == sorted(merged.locks) == sorted({one.environment.name for one in wanted.values()})
    assert [each.run for each in merged.meta.merged] == [each.name for each in parts]
    assert merged.meta.seconds == 10.0 * len(parts)
    assert {one.key for one in join([merged, *parts]).trials} == set(wanted)


def test_what_differs_from_machine_to_machine_is_no_contradiction() -> None:
    slower = replace(trial(0), evidence="elsewhere", accounting=replace(trial(0).accounting, seconds=9.0))
    assert list(join([part("a", [trial(0)]), part("bb", [slower])]).trials) == [trial(0)]


@pytest.mark.parametrize("first", [True, False])
def test_where_one_machine_could_not_the_other_speaks(first: bool) -> None:
    broken = trial(0, status="broken", symptom=None, evidence=None, reason="the disk was full")
    unavailable = replace(part("a", [broken]), rows=[row(1, "unavailable")])
    pair = [unavailable, part("bb", [trial(0)])]
    merged = join(pair if first else pair[::-1])
    assert list(merged.trials) == [trial(0)]
    assert [one.status for one in merged.rows] == ["ran"]


otherwise = replace(row_ := part("bb", [trial(1)]), rows=[replace(row(1), name="py3.13_openai-1-ffff")])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (part("bb", [trial(1)], profile="full"), "a is of the profile default, bb of full"),
        (part("bb", [trial(0, mode="cold")]), "a has trials of py3.13_openai-1-abcd openai repeated-run in mode fork"),
        (part("bb", [trial(0, symptom="logged")]), "is raised in a and logged in bb: leave one of them out"),
        (part("bb", [replace(trial(0), accounting=Accounting(15, 9))]), "is not the same in a and bb: leave one"),
        (otherwise, "py3.13_openai-1 is py3.13_openai-1-abcd (Python 3.13.0) in a and py3.13_openai-1-ffff"),
        (replace(row_, locks={environment(1).name: "changed"}), "the lock of py3.13_openai-1-abcd in bb"),
    ],
)
def test_what_does_not_belong_together_is_refused(other: MergedRun, words: str) -> None:
    with pytest.raises(MergeError) as caught:
        join([part("a", [trial(0)]), other])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[MergedRun], Path]:
    def make(run: MergedRun) -> Path:
        write(run, tmp_path / run.name)
        return tmp_path / run.name

    return make


def merge(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["merge", *map(str, arguments)])
    return result.exit_code, result.stdout + result.stderr


def test_the_command_writes_a_run_that_can_be_read_merged_and_gone_on_with(
    folder: Callable[[MergedRun], Path], tmp_path: Path
) -> None:
    runs = [folder(part("a", [trial(0), trial(1)])), folder(part("bb", [trial(1), trial(0, 2)]))]
    status, said = merge(*runs, "--out", tmp_path / "merged")
    assert (status, said.count("\n")) == (0, 1), said
    assert said.startswith("3 trials of 2 runs are in ")
    assert {trial.key for trial in stored_trials(tmp_path / "merged")} == {
        trial(0).key,
        trial(1).key,
        trial(0, 2).key,
    }
    assert {"report.md", "summary.json", "run.json"} <= {path.name for path in (tmp_path / "merged").iterdir()}
    with Store(tmp_path / "merged") as store:
        assert len(store.done) == 3

    status, said = merge(*runs, "--out", tmp_path / "merged")
    assert (status, said.count("\n")) == (2, 1)
    assert "holds a run already: name another folder with --out" in said


def test_what_cannot_be_read_is_one_line_and_nothing_is_written(
    folder: Callable[[MergedRun], Path], tmp_path: Path
) -> None:
    good, bad = folder(part("a", [trial(0)])), folder(part("bb", [trial(1)]))
    out = tmp_path / "out"

    def refused(*arguments: object) -> str:
        status, said = merge(*arguments, "--out", out)
        assert (status, said.count("\n")) == (2, 1), said
        assert not out.exists()
        return said

    assert "is this the folder of a run?" in refused(good, tmp_path / "nowhere")
    lines = (bad / TRIALS).read_text()
    (bad / TRIALS).write_text(lines.replace("diagnostics.trial/2", "diagnostics.trial/9"))
    assert "trials.jsonl: line 1: the record: expected schema diagnostics.trial/2, not 'dia" in refused(good, bad)
    (bad / TRIALS).write_text(lines)
    meta = (bad / "run.json").read_text()
    (bad / "run.json").write_text(meta.replace("diagnostics.run/2", "diagnostics.run/9"))
    assert "run.json: the record: expected schema diagnostics.run/2, not 'diagnostics.run/9'" in refused(good, bad)
    (bad / "run.json").write_text("{")
    assert "bb/run.json: " in refused(good, bad)
    (bad / "run.json").write_text('{"schema": "diagnostics.run/2"}')
    assert "run.json: started is missing" in refused(good, bad)
    assert "is named twice" in refused(good, good / ".." / "a")
    assert merge(good)[0] == 2


def test_runs_are_called_by_what_tells_them_apart(folder: Callable[[MergedRun], Path], tmp_path: Path) -> None:
    for machine in "xy":
        shutil.copytree(folder(part("a", [trial(0)])), tmp_path / machine / "a", dirs_exist_ok=True)
        shutil.rmtree(tmp_path / "a")
    assert [each.name for each in read_parts([tmp_path / "x" / "a", tmp_path / "y" / "a"])] == ["x/a", "y/a"]


def test_what_is_written_reads_back(folder: Callable[[MergedRun], Path], tmp_path: Path) -> None:
    run = part("a", [trial(0), trial(0, 2)])
    place = folder(run)
    assert read_part(place, "a") == replace(run, trials=tuple(run.trials))
    shutil.rmtree(place / "environments")
    assert read_part(place, "a").locks == {}
