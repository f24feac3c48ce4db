"""`python -m benchmarks`: measures this project and prints ratios side by side."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Bench, Figure
from benchmarks.fixes.command import measure as fixes
from benchmarks.parts import PARTS
from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.environments import EnvironmentProblem, default_cache, find_interpreter
from diagnostics.lab.environments.locks import known_unsatisfiable
from diagnostics.lab.execution.work import ExecutorUnavailable
from diagnostics.lab.execution.worker import WorkerLost
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.plan import Role, roles
from diagnostics.lab.server import ServerError

PROBLEMS = (MatrixError, EnvironmentProblem, ExecutorUnavailable, ServerError, WorkerLost)


def bench(
    parts: Annotated[list[str] | None, typer.Argument(help=f"Any of {', '.join(PARTS)}; all by default.")] = None,
    scale: Annotated[
        float, typer.Option(min=0.001, help="1 is what the documentation quotes; less is a quick look.")
    ] = 1.0,
) -> None:
    """Measure speed and memory of the sanitizer, the trials, the reports and the bridges.

    Example: python -m benchmarks fork-server --scale 0.2

    Exit status: 0 measured, 1 could not be measured, 2 invalid usage. No figure makes it fail.
    """
    unknown = [name for name in parts or () if name not in PARTS]
    if unknown:
        sys.stderr.write(f"benchmarks: there is no part {unknown[0]!r}; choose from {', '.join(PARTS)}\n")
        sys.exit(2)
    console = Console()
    try:
        setting = Bench(_newest(), default_cache(), scale, _say)
        for name in parts or PARTS:
            sys.stderr.write(f"{name}: {PARTS[name].question}\n")
            console.print(_table(name, PARTS[name].measure(setting)))
    except (*PROBLEMS, OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"benchmarks: {error}\n")
        sys.exit(1)


def _say(text: str) -> None:
    sys.stderr.write(f"  {text}\n")


def _newest() -> Combination:
    combinations = load_matrix(None)
    found = {python for python in {c.python for c in combinations} if find_interpreter(python) is not None}
    ranked = roles(combinations, found, known_unsatisfiable(combinations))
    lead = [combination for combination, role in ranked if role is Role.LEAD]
    if not lead:
        raise MatrixError("this machine has none of the matrix's Pythons; install one, say `uv python install 3.13`")
    return lead[0]


def _table(name: str, figures: list[Figure]) -> Table:
    table = Table("", "measured", "ratio", "against", "goal", title=name, title_justify="left")
    for figure in figures:
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        table.add_row(figure.what, figure.value, ratio, figure.against, figure.goal)
    return table


if __name__ == "__main__":
    if sys.argv[1:2] == ["fix"]:  # a measurement with options of its own
        del sys.argv[1]
        typer.run(fixes)
    else:
        typer.run(bench)
