"""Real environments for combinations of the matrix: interpreters, locks, and their building by uv.

    find_interpreter("3.13")                  an interpreter of this machine, or None
    prepare(combination, cache=…)             a PreparedEnvironment, built once and then reused
    default_cache()                           where they are kept

What cannot be is an `EnvironmentProblem`, whose `status` is the one that a trial's record carries.
"""

from __future__ import annotations

from diagnostics.lab.environments.build import PreparedEnvironment, identify, prepare, unprepared
from diagnostics.lab.environments.cache import default_cache
from diagnostics.lab.environments.interpreters import Interpreter, find_interpreter, installed
from diagnostics.lab.environments.problems import (
    BuildFailed,
    EnvironmentProblem,
    IndexUnreachable,
    Unavailable,
    Unsatisfiable,
)

__all__ = [
    "BuildFailed",
    "EnvironmentProblem",
    "IndexUnreachable",
    "Interpreter",
    "PreparedEnvironment",
    "Unavailable",
    "Unsatisfiable",
    "default_cache",
    "find_interpreter",
    "identify",
    "installed",
    "prepare",
    "unprepared",
]
