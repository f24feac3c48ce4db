"""`python -m diagnostics explain`: the page of a finding or a fix; needs no lab."""

from __future__ import annotations

import typer

from diagnostics.explain import main


def explain(context: typer.Context) -> None:
    """Explain a kind of finding or a fix, with the code before and after.

    Example: python -m diagnostics explain cross-loop-use

    Exit status: 0 explained; 2 invalid usage.
    """
    raise typer.Exit(main(context.args))
