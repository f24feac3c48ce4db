"""On which Python to search, where nobody says: the newest of this machine on which both ends can be installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from packaging.version import Version

from diagnostics.lab.bisection.hold import Held
from diagnostics.lab.bisection.scope import Misunderstood, Scope
from diagnostics.lab.environments import Unavailable, Unsatisfiable, find_interpreter
from diagnostics.lab.environments.resolve import find_answer
from diagnostics.lab.matrix_file import load_matrix


def available() -> list[str]:
    """The Pythons of the matrix that this machine has, newest first.

    Raises:
        Unavailable: it has none.
        MatrixError: the matrix cannot be read.
    """
    named = sorted({combination.python for combination in load_matrix()}, key=Version, reverse=True)
    found = [python for python in named if find_interpreter(python) is not None]
    if not found:
        raise Unavailable(f"there is none of Python {', '.join(named)}; install one, say uv python install 3.13")
    return found


def choose(
    pythons: Sequence[str],
    scope_on: Callable[[str], Scope],
    held_on: Callable[[str], Held],
    *,
    cache: Path,
    offline: bool,
) -> str:
    """The first of the Pythons on which both ends can be installed; the first of all, if on none.

    Raises:
        Misunderstood: on none of them are there two releases to choose between.
        IndexUnreachable: the index does not answer.
    """
    why: Misunderstood | None = None
    possible = []
    for python in pythons:
        try:
            scope = scope_on(python)
        except Misunderstood as error:
            why = why or error
            continue
        possible.append(python)
        if all(_installs(held_on(python), scope, index, cache=cache, offline=offline) for index in (0, -1)):
            return python
    if not possible:
        assert why is not None
        raise why
    return possible[0]


def _installs(held: Held, scope: Scope, index: int, *, cache: Path, offline: bool) -> bool:
    try:
        find_answer(held.question(scope.open[index]), cache=cache, offline=offline)
    except Unsatisfiable:
        return False
    return True
