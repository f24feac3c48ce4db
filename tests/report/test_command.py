"""The command that renders a run again: what it writes, and one line for whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.testing import CliRunner, Result

from diagnostics.cli.report import report
from diagnostics.experiment.fixes import FIXES
from diagnostics.report.formats import FORMATS

_app = typer.Typer()
_app.command()(report)


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(_app, list(arguments))


def test_a_run_is_rendered_again(folder: Path) -> None:
    result = _invoke(str(folder))
    assert result.exit_code == 0, result.output
    assert (folder / "report.md").read_text(encoding="utf-8").startswith("# Event loop diagnostics")
    assert (folder / "summary.json").exists()
    assert "never-close" in result.stdout


def test_one_format_alone(folder: Path) -> None:
    assert _invoke(str(folder), "--format", "summary").exit_code == 0
    assert (folder / "summary.json").exists()
    assert not (folder / "report.md").exists()


def _one_line(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    assert "no such run folder" in _one_line(_invoke(str(tmp_path / "nothing")))


def test_a_broken_file_is_one_line_and_writes_nothing(folder: Path) -> None:
    (folder / "run.json").write_text("{", encoding="utf-8")
    assert "run.json" in _one_line(_invoke(str(folder)))
    assert not (folder / "report.md").exists()


def test_an_unknown_format_is_one_line_that_names_the_others(folder: Path) -> None:
    assert "choose from markdown, summary, issue, text" in _one_line(_invoke(str(folder), "-f", "htlm"))


def test_a_folder_that_cannot_be_written_is_one_line(folder: Path) -> None:
    (folder / "report.md").mkdir()  # a directory in the way stops root, too
    assert "cannot write" in _one_line(_invoke(str(folder)))


def test_a_cut_off_last_line_is_counted_not_fatal(folder: Path) -> None:
    path = folder / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    result = _invoke(str(folder))
    assert result.exit_code == 0
    assert "1 line left out" in result.stdout


def test_the_trade_off_of_each_fix_is_in_the_page(folder: Path) -> None:
    _invoke(str(folder))
    page = (folder / "report.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("| `context-manager` | 1.00")]
    assert FIXES["context-manager"].trade_off.split(";")[0] in line


def test_the_help_names_the_formats() -> None:
    result = _invoke("--help")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in FORMATS)
