"""`python -m diagnostics async-tools`: the drop-in fix as a file to copy; works without the lab too."""

from __future__ import annotations

import typer

from diagnostics import drop_in


def async_tools() -> None:
    """Write the source of the drop-in fix to standard output: one file, standard library only.

    Example: python -m diagnostics async-tools > async_tools.py
    """
    raise typer.Exit(drop_in.write())
