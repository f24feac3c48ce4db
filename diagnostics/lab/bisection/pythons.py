"""Chooses the Python to search on: the newest one of this machine on which both ends have an outcome.

That a release can be installed on a newer Python does not mean that it works there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from packaging.version import Version

from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.environments import Unavailable, find_interpreter
from diagnostics.lab.matrix_file import load_matrix


def available() -> list[str]:
    """Returns the Pythons of the matrix that this machine has, newest first.

    Raises:
        Unavailable: it has none.
        MatrixError: the matrix cannot be read.
    """
    named = sorted({combination.python for combination in load_matrix()}, key=Version, reverse=True)
    found = [python for python in named if find_interpreter(python) is not None]
    if not found:
        raise Unavailable(
            f"none of Python {', '.join(named)} is installed; install one, for example: uv python install 3.13"
        )
    return found


def choose(pythons: Sequence[str], works: Callable[[str], bool]) -> str:
    """Returns the first Python on which both ends have an outcome, else the first that has two candidates.

    Args:
        works: whether both ends have one; raises `InvalidRequest` if the range has fewer than two candidates there.

    Raises:
        InvalidRequest: the range has fewer than two candidates on every Python.
    """
    why: InvalidRequest | None = None
    possible = []
    for python in pythons:
        try:
            if works(python):
                return python
            possible.append(python)
        except InvalidRequest as error:  # noqa: PERF203 - six at most
            why = why or error
    if not possible:
        assert why is not None
        raise why
    return possible[0]
