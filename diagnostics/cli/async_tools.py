"""`python -m diagnostics async-tools`: writes the drop-in fix as a file to copy; needs no lab."""

from __future__ import annotations

import typer

from diagnostics import drop_in


def async_tools() -> None:
    """Write the drop-in fix to standard output as one file without dependencies.

    Example: python -m diagnostics async-tools > async_tools.py

    Exit status: 0 written; 1 standard output cannot be written.
    """
    raise typer.Exit(drop_in.write())
