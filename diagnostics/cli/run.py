"""`python -m diagnostics run`: any program under the sanitizer; works without the lab too."""

from __future__ import annotations

import typer

from diagnostics.sanitizer.process.command import main


def run(context: typer.Context) -> None:
    """Run a program of yours under the sanitizer, which names the client, its loop and the line at fault.

    Example: python -m diagnostics run -- my_script.py --its-own options

    Example: python -m diagnostics run -m my_module

    Exit status: the program's own, or 66 where that is 0 and an error was found.
    """
    raise typer.Exit(main(context.args))
