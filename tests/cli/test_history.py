"""The table of kept searches, and what is said where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diagnostics.cli import app
from diagnostics.model.codec import encode
from diagnostics.report.formats.bisection import markdown_table
from tests.report.formats.test_bisection import FOUND


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["history", *map(str, arguments)])


def test_the_table_is_printed(tmp_path: Path) -> None:
    (tmp_path / "openai.json").write_text(json.dumps(encode(FOUND)), encoding="utf-8")
    result = run(str(tmp_path))
    assert (result.exit_code, result.stdout) == (0, markdown_table([FOUND]))


@pytest.mark.parametrize(("content", "said"), [(None, "no search is kept in"), ("{}", "cannot read ")])
def test_what_cannot_be_printed_is_one_line(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "openai.json").write_text(content, encoding="utf-8")
    result = run(str(tmp_path))
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert said in line


def test_a_search_that_cannot_be_made_again_fails_as_it_does(tmp_path: Path) -> None:
    broken = {**encode(FOUND), "command": ["python", "-m", "diagnostics", "bisect", "nothing"]}
    file = tmp_path / "openai.json"
    file.write_text(json.dumps(broken), encoding="utf-8")
    result = run(str(tmp_path), "--again")
    assert result.exit_code == 2
    assert "cannot repeat the search of openai.json" in result.stderr
    assert file.read_text(encoding="utf-8") == json.dumps(broken)


def test_no_other_command_of_a_record_is_run(tmp_path: Path) -> None:
    written = tmp_path / "written"
    command = ["python", "-c", f"open({str(written)!r}, 'w')"]
    (tmp_path / "openai.json").write_text(json.dumps({**encode(FOUND), "command": command}), encoding="utf-8")
    result = run(str(tmp_path), "--again")
    assert (result.exit_code, written.exists()) == (2, False)
    assert "the command of openai.json is no search" in result.stderr
