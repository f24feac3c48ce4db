"""What an index lists becomes releases; whatever it does instead becomes one line."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from diagnostics.lab.bisection.releases import Release, ReleasesUnavailable, parse, read_releases
from diagnostics.lab.environments import IndexUnreachable
from tests.lab.bisection.index import Index


def file(name: str, time: str | None = "2025-01-01T10:00:00Z", **more: object) -> dict[str, object]:
    return {"filename": name, "upload-time": time, "yanked": False, "requires-python": None, **more}


def test_releases_come_in_the_order_of_their_versions_with_the_day_of_their_first_wheel() -> None:
    found = parse(
        "widget",
        [
            file("widget-1.10.0-py3-none-any.whl", "2025-03-01T23:59:59Z"),
            file("widget-1.9.0-py3-none-any.whl", "2025-02-02T10:00:00Z"),
            file("widget-1.9.0.tar.gz", "2025-02-01T10:00:00Z"),
            file("widget-1.9.0-cp314-cp314-win_amd64.whl", "2026-01-01T00:00:00Z"),
            file("widget-2.0.0b1-py3-none-any.whl"),
        ],
    )

    assert [(release.version, release.day) for release in found] == [
        ("1.9.0", "2025-02-02"),
        ("1.10.0", "2025-03-01"),
        ("2.0.0b1", "2025-01-01"),
    ]


def test_a_release_is_yanked_if_all_of_it_is() -> None:
    one, other = parse(
        "widget",
        [
            file("widget-1.0-py3-none-any.whl", yanked="broken"),
            file("widget-1.0.tar.gz", yanked=True),
            file("widget-1.1-py3-none-any.whl", yanked=True),
            file("widget-1.1.tar.gz"),
        ],
    )

    assert (one.why_not("3.12"), other.why_not("3.12")) == ("yanked", None)


def test_what_nobody_needs_to_try_says_why() -> None:
    (source,) = parse("widget", [file("widget-1.0.tar.gz")])
    assert source.why_not("3.12") == "no wheel"

    newer = Release("2.0", "2025-01-01", requires_python=">=3.11.4")
    assert newer.why_not("3.10") == "needs Python >=3.11.4"
    assert newer.why_not("3.11") is None
    assert newer.why_not("3.11.2") == "needs Python >=3.11.4"
    # Somebody's mistake in their metadata is no reason not to try.
    assert Release("2.0", "2025-01-01", requires_python="about three").why_not("3.10") is None


def test_files_of_another_time_are_passed_over() -> None:
    files = [
        file("widget-0.1.win32.exe"),
        file("widget-nonsense.whl"),
        file("widget-1.0-py3-none-any.whl"),
        file("widget-1.1-py3-none-any.whl", None),
    ]
    assert [release.version for release in parse("widget", files)] == ["1.0"]


def test_a_list_without_days_is_one_line() -> None:
    with pytest.raises(ReleasesUnavailable, match=r"lists no upload time for any release of widget \(PEP 700\)"):
        parse("widget", [file("widget-1.0-py3-none-any.whl", None)])


def test_the_index_is_the_one_that_uv_is_configured_with(own_index: Index, tmp_path: Path) -> None:
    found = read_releases("openai", cache=tmp_path)

    assert "1.5.0b1" in [release.version for release in found]
    assert [release.version for release in found if release.yanked] == ["1.3.0"]
    assert own_index.asked[-1] == "/simple/openai/"


def test_what_it_said_is_kept_for_when_it_cannot_be_asked(
    own_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_releases("helper", cache=tmp_path)
    asked = len(own_index.asked)

    assert read_releases("helper", cache=tmp_path, offline=True) == first
    assert len(own_index.asked) == asked

    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    assert read_releases("helper", cache=tmp_path) == first
    with pytest.raises(IndexUnreachable, match="the list of releases of openai is not in the cache"):
        read_releases("openai", cache=tmp_path)
    assert "127.0.0.1" not in (tmp_path / "releases" / "helper.json").read_text()


def test_an_extra_index_goes_first(own_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX", "http://127.0.0.1:9/simple")
    assert [release.version for release in read_releases("helper", cache=tmp_path)] == ["1.0.0"]
    with pytest.raises(IndexUnreachable):
        read_releases("nothing", cache=tmp_path)


def test_credentials_of_an_index_go_where_they_belong(
    own_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = own_index.url.replace("http://", "http://somebody:w%40rd@")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{address}/simple")

    assert read_releases("helper", cache=tmp_path)
    assert own_index.authorizations[-1] == "Basic " + base64.b64encode(b"somebody:w@rd").decode()


def test_an_index_that_does_not_say_days_or_is_a_folder_is_one_line(
    own_index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{own_index.url}/files")
    with pytest.raises(ReleasesUnavailable, match=r"the package index lists no upload times \(PEP 700\)"):
        read_releases(next(iter(own_index.days)), cache=tmp_path)  # what is not JSON, whatever it is

    monkeypatch.setenv("UV_DEFAULT_INDEX", tmp_path.as_uri())
    with pytest.raises(ReleasesUnavailable, match="the package index is a folder"):
        read_releases("openai", cache=tmp_path)

    monkeypatch.setenv("UV_NO_INDEX", "1")
    with pytest.raises(ReleasesUnavailable, match="uv is configured without a package index"):
        read_releases("openai", cache=tmp_path)
