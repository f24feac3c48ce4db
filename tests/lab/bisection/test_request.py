"""A search from what a person asks to the record: real wheels, a real resolver, real environments, real trials."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.lab.bisection.history import SearchFailed
from diagnostics.lab.bisection.releases import Release, ReleasesUnavailable
from diagnostics.lab.bisection.request import BisectRequest, run_bisection
from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.environments import IndexUnreachable
from diagnostics.model.bisection import Bisection, TriedRelease
from diagnostics.model.cell import Load
from diagnostics.model.codec import decode, encode
from tests.lab.bisection.index import Index

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
ASKED = BisectRequest("openai", load=Load(1, 2, 2), python=RUNNING, trials=1)


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.versions: list[str] = []

    def release_started(self, release: Release, why: str) -> None:
        self.versions.append(release.version)

    def release_finished(self, tried: TriedRelease) -> None:
        assert tried.version == self.versions[-1]


def search(asked: BisectRequest, cache: Path, heard: Heard | None = None) -> Bisection:
    return run_bisection(asked, cache=cache, redact=str, listener=heard or Heard(), command=("again",))


@pytest.mark.environment
@pytest.mark.usefixtures("own_index")
def test_every_change_is_found_and_what_cannot_tell_is_named(cache: Path) -> None:
    found = search(replace(ASKED, every=True), cache)

    assert [(stretch.first, stretch.last, stretch.outcome.symptom) for stretch in found.history] == [
        ("1.0.0", "1.1.0", "none"),
        ("1.4.0", "1.5.0", "logged"),
        ("2.0.0", "2.0.0", "raised"),
    ]
    first, second = found.changes
    assert (first.before.version, first.after.version) == ("1.1.0", "1.4.0")
    assert first.skipped.keys() == {"1.2.0", "1.3.0"}
    assert "half of it is missing" in first.skipped["1.2.0"]
    assert first.skipped["1.3.0"] == "yanked"
    assert (first.moved, first.cause) == ({}, "package")
    assert second.moved == {"helper": (None, "1.0.0")}
    assert second.cause == "package"
    assert [tried.version for tried in found.cannot_tell] == ["1.2.0"]
    assert found.releases == 7  # the yanked one counts, the pre-release and what was before the async client do not
    assert decode(Bisection, encode(found)) == found


@pytest.mark.environment
@pytest.mark.usefixtures("own_index")
def test_one_change_costs_few_looks_and_needs_no_index_the_second_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = replace(ASKED, good="1.0.0", bad="1.5.0", by="symptom=logged")
    found = search(asked, cache)
    (change,) = found.changes
    assert (change.before.version, change.after.version) == ("1.1.0", "1.4.0")

    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    heard = Heard()
    again = search(replace(asked, offline=True), cache, heard)

    assert again.changes == found.changes
    assert set(heard.versions) <= {"1.0.0", "1.1.0", "1.2.0", "1.4.0", "1.5.0"}


@pytest.mark.environment
@pytest.mark.usefixtures("own_index")
def test_ends_that_do_the_same_are_refused(cache: Path) -> None:
    with pytest.raises(SearchFailed, match=r"1\.4\.0 and 1\.5\.0 do the same here \(logged\).*--all"):
        search(replace(ASKED, good="1.4.0", bad="1.5.0"), cache)


@pytest.mark.environment
@pytest.mark.usefixtures("own_index")
def test_an_end_that_cannot_tell_is_refused_if_it_was_named(cache: Path) -> None:
    with pytest.raises(SearchFailed, match=r"the lower end, 1\.2\.0, has no outcome \(.*half of it is missing"):
        search(replace(ASKED, good="1.2.0"), cache)


@pytest.mark.environment
@pytest.mark.usefixtures("own_index")
def test_a_script_is_judged_by_its_exit_status(cache: Path, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "# /// script\n# dependencies = ['openai', 'helper']\n# ///\n"
        "import openai, helper, sys\n"
        "sys.exit(3 if 'sys.stderr' in open(openai.__file__).read() else 0)\n",
        encoding="utf-8",
    )

    found = search(replace(ASKED, script=script, by="exit", good="1.0.0", bad="1.4.0"), cache)

    (change,) = found.changes
    assert (change.before.version, change.after.version) == ("1.1.0", "1.4.0")
    assert change.after.outcome is not None
    assert change.after.outcome.exit_status == 3
    assert "exit status: 0 → 3" in encode(change)["difference"]
    assert change.before.packages["helper"] == "1.0.0"


@pytest.mark.environment
def test_a_change_that_another_package_brought_is_put_down_to_that(own_index: Index, cache: Path) -> None:
    code = "from importlib.metadata import version\nclass AsyncHttpClient: pass\n"
    own_index.add("anyio", "4.0.0", "2025-01-01", code=code)
    own_index.add("anyio", "4.1.0", "2025-07-01", code=code)

    found = search(replace(ASKED, package="anyio", provider="openai", every=True), cache)

    (change,) = found.changes
    assert change.moved["openai"] == ("1.0.0", "2.0.0")
    assert change.cause == "others"

    with pytest.raises(SearchFailed, match="do the same"):
        search(replace(ASKED, package="anyio", provider="openai", hold="2025-05-20"), cache)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"package": "opnai"}, "unknown package 'opnai' (did you mean 'openai'?); choose from openai, "),
        ({"scenario": "nothing"}, "unknown scenario 'nothing'; choose from "),
        ({"provider": "nobody"}, "unknown provider 'nobody'; choose from "),
        ({"good": "2.0.0", "bad": "1.0.0"}, "the range is reversed: 2.0.0 comes after 1.0.0"),
        ({"good": "1.0.0", "bad": "1.0.0"}, "--good and --bad are both 1.0.0; name two releases"),
        ({"good": "1.1.9"}, "openai has no release 1.1.9; similar ones: 1.1.0, "),
        ({"good": "one"}, "--good 'one' is not a version"),
        ({"good": "1.3.0"}, f"--good 1.3.0 cannot be tried on Python {RUNNING} (yanked)"),
        ({"hold": "yesterday"}, "--hold 'yesterday' is neither date nor a day such as 2025-10-10"),
        ({"by": "colour"}, "--by 'colour' is not known"),
        ({"by": "finding=noise"}, "unknown finding 'noise'; choose from client-left-open"),
        ({"by": "symptom=noise"}, "unknown symptom 'noise' (did you mean 'none'?); choose from none"),
        ({"by": "exit"}, "--by exit is for --script"),
        ({"requirements": ("openai==1.0.0",)}, "--with names openai, whose releases are searched"),
        ({"requirements": ("???",)}, "--with '???' is not a requirement such as httpx==0.27.2"),
        ({"requirements": ("a @ https://a.test/a.whl",)}, "names a URL"),
    ],
)
@pytest.mark.usefixtures("own_index")
def test_what_cannot_be_meant_is_one_line(cache: Path, wrong: dict[str, object], said: str) -> None:
    heard = Heard()
    with pytest.raises(InvalidRequest) as raised:
        search(replace(ASKED, **wrong), cache, heard)  # type: ignore[arg-type]

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert heard.versions == []


@pytest.mark.usefixtures("own_index")
def test_a_package_that_the_index_does_not_have_is_one_line(cache: Path) -> None:
    with pytest.raises(ReleasesUnavailable, match="the package index has no uvloop; check the spelling"):
        search(replace(ASKED, package="uvloop"), cache)


@pytest.mark.parametrize("offline", [False, True])
def test_without_an_index_one_line_says_so(cache: Path, monkeypatch: pytest.MonkeyPatch, *, offline: bool) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    with pytest.raises(IndexUnreachable, match="the list of releases of httpcore is not in the cache"):
        search(replace(ASKED, package="httpcore", offline=offline), cache)
