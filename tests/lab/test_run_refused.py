"""Requests of a run that are refused before it begins: in this process, since nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from diagnostics.lab.matrix_file import load_matrix

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.conftest import Refused


def test_a_run_that_would_try_nothing_is_refused(refused: Refused) -> None:
    with_aiohttp = next(found for found in load_matrix() if found.value("aiohttp"))
    status, _, errors = refused("--profile", "smoke", "--environment", with_aiohttp.slug)
    assert status == 2
    assert "runs nothing in these environments" in errors
    assert errors.splitlines()[1:] == ["Try 'python -m diagnostics repro --help'."]


def test_a_run_of_a_client_that_is_in_none_of_its_environments_is_refused(refused: Refused, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    asked = ("--provider", "httpx", "--openai", "3.54.0", "--python", "3.13")
    status, output, errors = refused(*asked, "--reports", str(reports))
    assert (status, output, errors.count("\n")) == (2, "", 2)
    assert "there is no httpx in the environments of this selection" in errors
    assert not reports.exists()


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--provider", "opnai", "google-genai"),
        ("--scenario", "repeted-run", "repeated-run"),
        ("--fix", "contextmanager", "context-manager"),
        ("--profile", "smok", "smoke"),
        ("--python", "3.99", "3.13"),
        ("--openai", "99.0.0", "3.54.0"),
        ("--httpx", "httpx3", "httpx2==2.16.2"),
        ("--environment", "nowhere", "py3.13"),
    ],
)
def test_what_is_misspelt_is_one_line_that_says_what_there_is(
    refused: Refused, option: str, value: str, named: str, tmp_path: Path
) -> None:
    status, output, errors = refused(option, value, "--reports", str(tmp_path / "reports"))
    assert (status, output, errors.count("\n")) == (2, "", 2)
    assert value in errors
    assert named in errors
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("option", ["--runs=0", "--calls=-1", "--concurrency=x", "--nonsense"])
def test_a_command_line_that_cannot_be_meant_so_is_refused(refused: Refused, option: str, tmp_path: Path) -> None:
    assert refused(option, "--reports", str(tmp_path / "reports"))[0] == 2
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("missing", ["nowhere", "latest", "empty"])
def test_what_is_no_run_cannot_be_gone_on_with(refused: Refused, missing: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, output, errors = refused("--resume", str(tmp_path / missing))
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert "no run in" in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_reports_that_cannot_be_written_are_one_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, output, errors = refused("--reports", str(tmp_path / "file"))
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert "choose another place with --reports" in errors
