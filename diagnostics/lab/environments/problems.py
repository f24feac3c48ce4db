"""Why there is no environment. Each problem is one line for a person and one status for the record."""

from __future__ import annotations

from typing import ClassVar


class EnvironmentProblem(Exception):
    """There is no such environment.

    Attributes:
        status: the status of every trial that wanted it, one of `model.words.STATUSES`.
        reason: one line: what is wrong and, where a person can do something, what.
    """

    status: ClassVar[str] = "broken"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(EnvironmentProblem):
    """This machine has no such interpreter."""

    status = "unavailable"


class Unsatisfiable(EnvironmentProblem):
    """No set of packages fits these versions together; the reason is the resolver's."""

    status = "unsatisfiable"


class IndexUnreachable(EnvironmentProblem):
    """The package index does not answer and the cache does not hold what is needed. Says nothing about versions."""


class BuildFailed(EnvironmentProblem):
    """uv is missing or failed, or the disk cannot be written."""
