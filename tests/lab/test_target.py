"""Where a phase runs, and what is said where it cannot."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.lab import target
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import EnvironmentProblem
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.target import TargetUnavailable, find_target, prepared_combinations, shadowed, this_interpreter


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


def test_the_version_that_is_imported_counts_and_what_it_hides_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anyio-99.1.dist-info").mkdir()
    (tmp_path / "anyio-99.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: anyio\nVersion: 99.1\n")
    hidden = importlib.metadata.version("anyio")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert this_interpreter().environment.packages["anyio"] == "99.1"
    assert shadowed({"anyio": "99.1"}) == {"anyio": hidden}
