"""`python -m diagnostics run`: runs any program under the sanitizer; needs no lab."""

from __future__ import annotations

import typer

from diagnostics.rewrite.run import main


def run(context: typer.Context) -> None:
    """Run your own program and report clients that outlive their event loop.

    Example: python -m diagnostics run app.py --an-option-of-the-app

    Exit status: the program's own; 66 if that is 0 but an error was found;
    2 invalid usage.
    """
    raise typer.Exit(main(context.args))
