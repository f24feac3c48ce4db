"""Where a phase runs, and what is said where it cannot."""

from __future__ import annotations

import json
import platform
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.lab import target
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import EnvironmentProblem, PreparedEnvironment, default_cache
from diagnostics.lab.event_tail import read_events, tail_events
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.target import (
    PlayedTrial,
    Target,
    TargetUnavailable,
    TrialSession,
    find_target,
    prepared_combinations,
    this_interpreter,
)
from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.codec import encode
from diagnostics.model.event import Event


def test_this_interpreter_names_the_packages_that_concern_it_and_no_other() -> None:
    here = this_interpreter()

    assert here.environment.python == platform.python_version()
    assert "requests" in here.environment.packages
    assert "urllib3" in here.environment.packages, "what a transport needs"
    assert "pytest" not in here.environment.packages, "whatever else a person has installed is theirs"
    assert "charset-normalizer" in here.environment.packages  # normalised, whatever its metadata says
    assert here.environment.name == this_interpreter().environment.name


def test_without_the_sdk_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable) as raised:
        find_target("anthropic", None, cache=tmp_path)

    said = str(raised.value)
    assert "\n" not in said
    assert "pip install anthropic" in said
    assert "--environment newest" in said


def test_an_unknown_environment_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable, match=r"no environment .py1\.0_x."):
        find_target("openai", "py1.0_x", cache=tmp_path)


def test_an_empty_cache_has_no_newest(tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable, match="nox -s repro"):
        find_target("openai", "newest", cache=tmp_path)


def test_what_is_in_the_cache_is_listed_newest_first(tmp_path: Path, combination: Callable[[str], Combination]) -> None:
    for generation in ("httpx", "httpx2"):
        (tmp_path / "environments" / f"{combination(generation).slug}-0123abcd").mkdir(parents=True)
    (tmp_path / "environments" / "py3.13_something-else-0123abcd").mkdir()

    assert prepared_combinations(tmp_path) == [combination("httpx2"), combination("httpx")]


def test_the_newest_is_one_whose_python_is_still_here(
    tmp_path: Path, combination: Callable[[str], Combination], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = combination("httpx")
    gone = next(each for each in load_matrix() if each.python != here.python and each.value("openai") == "3.54.0")
    for each in (gone, here):
        (tmp_path / "environments" / f"{each.slug}-0123abcd").mkdir(parents=True)
    asked: list[Combination] = []

    def prepare(chosen: Combination, **_: object) -> None:
        asked.append(chosen)
        raise EnvironmentProblem("that is all that was to be seen")

    monkeypatch.setattr(target, "find_interpreter", lambda python: python if python == here.python else None)
    monkeypatch.setattr(target, "prepare", prepare)
    with pytest.raises(TargetUnavailable, match="that is all"):
        find_target("openai", "newest", cache=tmp_path)
    assert asked == [here]


def test_events_are_read_in_order_and_a_line_cut_off_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "k.events.jsonl"
    first, second = Event(1, "L1", "asyncio", "created"), Event(2, "L1", "", "closed", open=False)
    lines = [json.dumps(encode(event)) for event in (second, first)]
    file.write_text("\n".join(lines) + '\n{"number": 3', encoding="utf-8")

    assert read_events(file, str) == (first, second)
    assert read_events(tmp_path / "none", str) == ()


def test_events_are_told_as_they_are_written(tmp_path: Path) -> None:
    plan = TrialPlan(Cell("e", "openai", "repeated-run", "none", Load(1, 1, 1)), 0, "fork", instrumented=True)
    file = tmp_path / f"{plan.key}.events.jsonl"
    heard: list[Event] = []
    first = threading.Event()

    def tell(_: TrialPlan, event: Event) -> None:
        heard.append(event)
        first.set()

    lines = [json.dumps(encode(Event(number, "L1", "", "created"))) + "\n" for number in (1, 2)]
    with tail_events(tmp_path, {plan.key: plan}, tell, str):
        file.write_text(lines[0] + lines[1][:9], encoding="utf-8")
        assert first.wait(timeout=30)
        assert [event.number for event in heard] == [1]
        with file.open("a", encoding="utf-8") as stream:
            stream.write(lines[1][9:])

    assert [event.number for event in heard] == [1, 2]


def test_an_interpreter_that_cannot_start_gives_broken_trials(tmp_path: Path) -> None:
    nowhere = Target(tmp_path / "no-python", Environment("e", "3.13.0"))
    plan = TrialPlan(Cell("e", "openai", "repeated-run", "none", Load(1, 1, 1)), 0, "fork")

    with TrialSession(nowhere, cache=tmp_path / "cache", redact=str) as session:
        (played,) = session.play([plan])

    assert played.trial.status == "broken"
    assert "cannot start" in (played.trial.reason or "")


@pytest.mark.environment
def test_a_ward_plays_in_the_order_of_the_plans(environment: Callable[[str], PreparedEnvironment]) -> None:
    prepared = environment("httpx2")
    name = prepared.environment.name
    cells = [Cell(name, provider, "repeated-run", "none", Load(2, 2, 2)) for provider in ("openai", "httpx")]
    plans = [TrialPlan(cell, trial, "fork") for cell in cells for trial in range(2)]
    heard: list[PlayedTrial] = []

    with TrialSession(
        Target(prepared.python, prepared.environment), cache=default_cache(), redact=str, listen=heard.append
    ) as session:
        played = session.play(plans, at_once=2)
        again = session.play(plans[:1])

    assert [each.trial.key for each in played] == [plan.key for plan in plans]
    assert [each.trial.symptom for each in played[:2]] == ["raised", "raised"]
    assert [each.trial.status for each in played[2:]] == ["incompatible", "incompatible"]
    assert again[0].trial.symptom == "raised"
    assert len(heard) == 5
