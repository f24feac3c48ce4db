"""Options become the fields of a record, and those on the command line are known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from diagnostics.cli.group import BeforeProgram
from diagnostics.cli.options import CALLS, JSON, is_given, record_of
from diagnostics.runs.records import RunRequest


def test_the_options_of_a_record_are_its_fields() -> None:
    seen: dict[str, Any] = {}
    app = typer.Typer()

    @app.command()
    def command(
        context: typer.Context,
        python: list[str] | None = None,
        openai: list[str] | None = None,
        calls: Annotated[int, CALLS] = RunRequest.calls,
        other: str = "",
    ) -> None:
        seen.update(record_of(context.params, RunRequest))
        seen["given"] = [name for name in ("python", "openai", "calls") if is_given(context, name)]

    result = CliRunner().invoke(app, ["--python", "3.12", "--python", "3.13", "--jets", "7", "--other", "x"])

    assert result.exit_code == 0, result.output
    assert seen == {"python": ("3.12", "3.13"), "openai": (), "calls": 7, "given": ["python", "calls"]}


@pytest.mark.parametrize(
    ("words", "file", "program"),
    [
        ("--json", "-", []),
        ("--json --quiet", "-", []),
        ("--calls 3 --json --quiet app.py", "-", ["app.py"]),
        ("--json -- app.py", "-", ["app.py"]),
        ("--json - app.py", "-", ["app.py"]),
        ("--json f.json app.py", "f.json", ["app.py"]),
        ("--json=f.json", "f.json", []),
        ("app.py --json", None, ["app.py", "--json"]),
        ("--calls 3 -- app.py --json --quiet", None, ["app.py", "--json", "--quiet"]),
    ],
)
def test_json_without_a_file_is_standard_output(words: str, file: str | None, program: list[str]) -> None:
    seen: dict[str, Any] = {}
    app = typer.Typer()

    @app.command(cls=BeforeProgram)
    def command(
        program: Annotated[list[str] | None, typer.Argument()] = None,
        calls: Annotated[int, CALLS] = RunRequest.calls,
        quiet: Annotated[bool, typer.Option("--quiet")] = False,
        json_file: Annotated[Path | None, JSON] = None,
    ) -> None:
        seen.update(file=json_file and str(json_file), program=list(program or []))

    result = CliRunner().invoke(app, words.split())

    assert result.exit_code == 0, result.output
    assert seen == {"file": file, "program": program}
