"""On which Python to search, where nobody says: the newest of this machine on which both ends can tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from packaging.version import Version

from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.environments import Unavailable, find_interpreter
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


def choose(pythons: Sequence[str], tells: Callable[[str], bool]) -> str:
    """The first of the Pythons on which both ends can tell; if there is none, the first that does not rule them out.

    A release of long ago may install on a newer Python and not work there: only a trial shows it.

    Args:
        tells: whether they can; raises `InvalidRequest` where the range has no two releases for that Python.

    Raises:
        InvalidRequest: no Python has two releases to choose between.
    """
    why: InvalidRequest | None = None
    possible = []
    for python in pythons:
        try:
            if tells(python):
                return python
            possible.append(python)
        except InvalidRequest as error:  # noqa: PERF203 - six at most
            why = why or error
    if not possible:
        assert why is not None
        raise why
    return possible[0]
