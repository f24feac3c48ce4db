"""The commands: one file a command, one row here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import typer

from diagnostics.cli.async_tools import async_tools
from diagnostics.cli.bisect import bisect
from diagnostics.cli.check import check
from diagnostics.cli.diagnose import diagnose
from diagnostics.cli.explain import explain
from diagnostics.cli.fix import fix
from diagnostics.cli.group import BeforeProgram, Commands
from diagnostics.cli.history import history
from diagnostics.cli.jets import jets
from diagnostics.cli.lock import lock
from diagnostics.cli.merge import merge
from diagnostics.cli.prove import prove
from diagnostics.cli.report import report
from diagnostics.cli.repro import repro
from diagnostics.cli.run import run
from diagnostics.cli.serve import serve
from diagnostics.model.errors import BY_SCRIPT, PROGRAM

COMMANDS: Final[dict[str, Callable[..., Any]]] = {
    "run": run,
    "fix": fix,
    "prove": prove,
    "check": check,
    "explain": explain,
    "repro": repro,
    "diagnose": diagnose,
    "bisect": bisect,
    "history": history,
    "report": report,
    "merge": merge,
    "serve": serve,
    "jets": jets,
    "lock": lock,
    "async-tools": async_tools,
}

HELP: Final = """Find async clients that outlive their event loop, and fix them.

Start with your own program; the other commands reproduce the error, compare the fixes and report it.

Example: python -m diagnostics run app.py

Example: python -m diagnostics run -m pytest tests

Exit status: each command lists its own; 2 always means invalid usage, and 130 interrupted.
"""


app = typer.Typer(
    cls=Commands,
    name=PROGRAM,
    help=HELP,
    epilog="Run one phase of diagnose alone: python -m diagnostics.phase1 to phase6, with the same options.",
    add_completion=BY_SCRIPT,  # a shell completes the arguments of a program, not those of `python -m`
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for _name, _command in COMMANDS.items():
    app.command(_name, cls=BeforeProgram if _command in (diagnose, fix, prove) else None)(_command)
