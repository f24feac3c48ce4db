"""A person's own versions: what files of all kinds ask for, and the environments made of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments.resolve import question
from diagnostics.lab.own_versions import own_environments, own_pins
from diagnostics.lab.plan import Role, roles
from tests.lab.bisection.index import Index, serving

WANTED = ("httpx==0.28.0", "openai==1.60.0")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = Index(tmp_path_factory.mktemp("index"))
    index.add("httpx", "0.27.0", "2024-01-01")
    index.add("httpx", "0.28.0", "2024-11-01")
    index.add("httpx", "0.28.1", "2024-12-01")
    for release in ("1.60.0", "1.61.0"):
        index.add("openai", release, "2025-01-01", "httpx")
    with serving(index):
        yield index


@pytest.fixture(autouse=True)
def only_index(served: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{served.url}/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(served.folder / "uv"))


def pins(tmp_path: Path, name: str, text: str) -> tuple[str, ...]:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return own_pins([tmp_path / name], here=False, python="3.12", cache=tmp_path / "cache")


def lock(table: str, *packages: str) -> str:
    """A lock in TOML of packages such as `openai==1.60.0`, with a project that is not from an index."""
    pairs = (package.split("==") for package in packages)
    lines = (f'[[{table}]]\nname = "{name}"\nversion = "{version}"' for name, version in pairs)
    return "\n".join([f'[[{table}]]\nname = "mine"\nversion = "1"\nsource = {{ virtual = "." }}', *lines])


REQUIREMENTS = """\
# ours
-e .
./here
httpx == 0.28.0  # not newer
openai[datalib]<1.61 ; python_version > "3.8"
"""
HASHES = "openai==1.60.0 \\\n    --hash=sha256:00\nhttpx==0.28.0 --hash=sha256:00\n"
INDEX = '\n[package.source]\ntype = "legacy"\nurl = "https://index.example/simple"\nreference = "ours"\n'
PROJECT = '[project]\nname = "mine"\ndependencies = ["openai~=1.60.0", "httpx==0.28.0"]\n'


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", REQUIREMENTS),
        ("requirements.txt", HASHES),
        ("pyproject.toml", PROJECT),
        ("uv.lock", lock("package", *WANTED, "numpy==1.0", "numpy==2.0")),
        ("poetry.lock", lock("package", *WANTED)),
        ("poetry.lock", lock("package", *WANTED).replace('"1.60.0"', f'"1.60.0"{INDEX}')),
        ("pylock.toml", lock("packages", *WANTED)),
    ],
)
def test_every_kind_of_file_gives_the_versions_that_it_installs(tmp_path: Path, name: str, text: str) -> None:
    assert pins(tmp_path, name, text) == WANTED


def test_a_requirements_file_includes_others(tmp_path: Path) -> None:
    (tmp_path / "pins.txt").write_text("httpx==0.28.0\nopenai==1.60.0\n", encoding="utf-8")

    assert pins(tmp_path, "requirements.txt", "-c pins.txt\nopenai\n") == WANTED


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("requirements.txt", "numpy\n", "names none of"),
        ("requirements.txt", "", "names none of"),
        ("uv.lock", lock("package"), "names none of"),
        ("requirements.txt", "openai >> 3\n", "has a line that is no requirement: 'openai >> 3'"),
        ("requirements.txt", "openai==9.9\n", "cannot be installed on Python 3.12"),
        ("uv.lock", "[[", "is not valid TOML"),
        ("pyproject.toml", "[tool.x]\n", "has neither packages nor [project] dependencies"),
    ],
)
def test_a_file_of_no_use_is_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(MatrixError) as caught:
        pins(tmp_path, name, text)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MatrixError, match=r"cannot read .*nowhere\.txt"):
        own_pins([tmp_path / "nowhere.txt"], here=False, python="3.12", cache=tmp_path)


def test_the_environment_is_named_by_its_sdks_and_pins_all_the_rest() -> None:
    (found,) = own_environments(["anyio==4.16.0", "openai==3.57.0", "httpx2==2.16.2"], ["3.12"])
    (other,) = own_environments(["anyio==4.15.0", "openai==3.57.0", "httpx2==2.16.2"], ["3.12"])

    assert found.slug.startswith("py3.12_openai-3.57.0_httpx2-2.16.2_pins-")
    assert found.slug != other.slug
    assert question(found).requirements == ("openai==3.57.0", "httpx2==2.16.2")
    assert question(found).constraints == ("anyio==4.16.0",)
    assert roles([found], {"3.12"}) == [(found, Role.YOURS)]


def test_both_http_stacks_of_a_person_stay_beside_each_other() -> None:
    (found,) = own_environments(["openai==3.57.0", "httpx==0.28.1", "httpx2==2.16.2"], ["3.12"])

    assert question(found).constraints == ()


def test_varied_releases_take_the_place_of_the_pinned_one() -> None:
    found = own_environments(["openai==3.57.0"], ["3.12", "3.13"], ["openai=3.50.0,3.57.0", "httpx2=2.16.2"])

    assert [each.slug for each in found] == [
        f"py{python}_openai-{openai}_httpx2-2.16.2" for python in ("3.12", "3.13") for openai in ("3.50.0", "3.57.0")
    ]


@pytest.mark.parametrize(
    ("pinned", "vary", "message"),
    [
        (["openai"], [], "'openai' is not an exact release; write it as openai==3.57.0"),
        (["openai==3"], ["openai"], "'openai' is not a package with releases; write it as openai=3.50.0,3.57.0"),
        (["openai==3"], ["openai==3"], "'openai==3' is not a package with releases"),
        (["openai==3"], ["openai=new"], "'openai==new' is not an exact release"),
        (["anyio==4"], [], "none of these is pinned: openai"),
    ],
)
def test_what_is_no_release_is_refused(pinned: list[str], vary: list[str], message: str) -> None:
    with pytest.raises(MatrixError) as caught:
        own_environments(pinned, ["3.12"], vary)

    assert str(caught.value).startswith(message)
