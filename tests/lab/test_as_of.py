"""What a person would have got who installed on a given day."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from diagnostics.lab.as_of import on_day, parse_day
from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.environments import IndexUnreachable, Unsatisfiable
from diagnostics.lab.environments.resolve import end_of_day, find_lock
from diagnostics.lab.target import TargetUnavailable, find_target
from tests.lab.bisection.index import Index, serving

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Two generations, one SDK that comes late, and one that stays behind."""
    index = Index(tmp_path_factory.mktemp("index"))
    index.add("httpx", "0.27.0", "2024-01-01")
    index.add("httpx", "0.28.0", "2024-11-01")
    index.add("httpx2", "2.0.0", "2026-05-01")
    index.add("openai", "1.0.0", "2023-11-06", "httpx<0.28")
    index.add("openai", "1.60.0", "2025-01-01", "httpx")
    index.add("openai", "3.0.0", "2026-06-01", "httpx2")
    index.add("anthropic", "0.40.0", "2024-06-01", "httpx")
    index.add("anthropic", "2.0.0", "2026-06-02", "httpx2")
    index.add("google-genai", "1.0.0", "2025-02-01", "httpx")
    with serving(index):
        yield index


@pytest.fixture(autouse=True)
def only_index(served: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{served.url}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(served.folder / "uv"))


@pytest.mark.parametrize(
    ("day", "packages"),
    [
        ("2024-03-01", {"openai": "1.0.0", "httpx": "0.27.0"}),
        ("2024-12-01", {"openai": "1.0.0", "anthropic": "0.40.0", "httpx": "0.27.0"}),
        ("2025-10-10", {"openai": "1.60.0", "anthropic": "0.40.0", "google-genai": "1.0.0", "httpx": "0.28.0"}),
        # The others are still of the other generation, and so in no environment with this openai.
        ("2026-06-01", {"openai": "3.0.0", "httpx2": "2.0.0"}),
        ("2026-06-02", {"openai": "3.0.0", "anthropic": "2.0.0", "httpx2": "2.0.0"}),
    ],
)
def test_the_newest_of_the_day_that_go_together(tmp_path: Path, day: str, packages: dict[str, str]) -> None:
    found = on_day(day, [RUNNING], {}, cache=tmp_path)

    assert (dict(found.packages), found.as_of, found.python) == (packages, day, RUNNING)
    assert found.slug.endswith(f"_as-of-{day}")
    assert find_lock(found, cache=tmp_path).packages == packages


@pytest.mark.parametrize(
    ("wanted", "packages"),
    [
        ({"openai": "1.0.0"}, {"openai": "1.0.0", "httpx": "0.27.0"}),
        ({"openai": "<1.60"}, {"openai": "1.0.0", "httpx": "0.27.0"}),
        ({"httpx": "httpx==0.27.0"}, {"openai": "1.60.0", "httpx": "0.27.0"}),
        ({"httpx": "0.27"}, {"openai": "1.60.0", "httpx": "0.27.0"}),
    ],
)
def test_versions_that_are_asked_for_come_with_the_rest_of_the_day(
    tmp_path: Path, wanted: dict[str, str], packages: dict[str, str]
) -> None:
    found = on_day("2025-10-10", [RUNNING], wanted, cache=tmp_path)
    assert packages.items() <= dict(found.packages).items()


def test_the_first_python_on_which_it_installs_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Index(tmp_path)) as index:
        index.add("httpx", "0.28.0", "2024-11-01")
        index.add("openai", "1.0.0", "2025-01-01", "httpx", "nothing ; python_version >= '3.98'")
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"{index.url}/simple")
        found = on_day("2025-10-10", ["3.99", "3.98", "3.97", "3.96"], {}, cache=tmp_path)
    assert found.python == "3.97"


@pytest.mark.parametrize(
    ("day", "wanted", "said"),
    [
        ("2020-01-01", {}, f"nothing can be installed as of 2020-01-01: on Python {RUNNING}: "),
        ("2025-10-10", {"openai": "3.0.0"}, "nothing can be installed as of 2025-10-10"),
        ("2025-10-10", {"openai": "new"}, "openai 'new' is neither a version nor a PEP 440 specifier"),
        ("2025-10-10", {"httpx": "httpx at 3"}, "httpx 'httpx at 3' is not a requirement"),
    ],
)
def test_what_was_not_there_is_one_line(tmp_path: Path, day: str, wanted: dict[str, str], said: str) -> None:
    with pytest.raises(MatrixError) as raised:
        on_day(day, [RUNNING], wanted, cache=tmp_path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_day_has_one_spelling() -> None:
    assert parse_day("20251010") == "2025-10-10"
    with pytest.raises(MatrixError, match="write it as 2025-10-10"):
        parse_day("last week")


def test_a_day_in_the_future_is_refused() -> None:
    today = datetime.now(timezone.utc).date()
    assert parse_day(str(today)) == str(today)
    with pytest.raises(MatrixError, match="is in the future"):
        parse_day(str(today + timedelta(days=2)))


def test_a_day_ends_in_utc_whatever_the_clock_of_this_machine_says() -> None:
    assert end_of_day("2025-10-10") == "2025-10-11T00:00:00Z"
    assert end_of_day("2025-10-10T08:00:00Z") == "2025-10-10T08:00:00Z"
    assert end_of_day("9999-12-31") == "9999-12-31"


def test_a_combination_of_another_day_is_another_environment(tmp_path: Path) -> None:
    today = Combination(RUNNING, (("openai", "1.60.0"), ("httpx", "0.28.0")))
    then = replace(today, as_of="2025-10-10")
    assert then.slug == f"{today.slug}_as-of-2025-10-10"
    with pytest.raises(Unsatisfiable):
        find_lock(replace(today, as_of="2024-01-01"), cache=tmp_path)


@pytest.mark.environment
def test_a_phase_gets_the_environment_of_its_day(tmp_path: Path) -> None:
    found = find_target("openai", None, cache=tmp_path, as_of="2024-12-01")
    assert found.environment.packages == {"openai": "1.0.0", "anthropic": "0.40.0", "httpx": "0.27.0"}
    assert "_as-of-2024-12-01-" in found.environment.name


def test_a_phase_says_what_is_wrong_with_its_day(tmp_path: Path) -> None:
    with pytest.raises(TargetUnavailable, match="'soon' is not a date"):
        find_target("openai", "newest", cache=tmp_path, as_of="soon")


def test_without_an_index_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with pytest.raises(IndexUnreachable):
        on_day("2025-10-10", [RUNNING], {}, cache=tmp_path)
