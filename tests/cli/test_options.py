"""Options become the fields of a record, and those on the command line are known."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.testing import CliRunner

from diagnostics.cli.options import CALLS, is_given, record_of
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
