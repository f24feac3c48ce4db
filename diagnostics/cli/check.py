"""`python -m diagnostics check`: finds mistakes in source code; needs no lab."""

from __future__ import annotations

import typer

from diagnostics.rewrite.check import main


def check(context: typer.Context) -> None:
    """Find mistakes with async clients in source code, without running it.

    Example: python -m diagnostics check src

    Exit status: 0 nothing found; 1 something found; 2 invalid usage.
    """
    raise typer.Exit(main(context.args))
