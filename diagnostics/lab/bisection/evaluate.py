"""Evaluates one release: prepares its environment, runs trials in it, and makes one outcome of them.

While one release is being evaluated, the environments of those that may come next are prepared in other threads.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from diagnostics.lab.bisection.consensus import ROUNDS, agreed, disagreement
from diagnostics.lab.bisection.pinning import Pinning
from diagnostics.lab.bisection.releases import Release
from diagnostics.lab.environments import EnvironmentProblem, IndexUnreachable, PreparedEnvironment
from diagnostics.lab.environments.resolve import ResolveRequest
from diagnostics.lab.redactor import Redact
from diagnostics.model.bisection import Outcome, TriedRelease


class NoOutcome(Exception):
    """There is no outcome in this environment; the message is one line that says why."""


class OutcomeSession(Protocol):
    """Trials in one environment."""

    def run(self, count: int, *, instrumented: bool) -> list[Outcome]:
        """Runs so many more trials.

        Raises:
            NoOutcome: they cannot run here.
        """


class OutcomeRunner(Protocol):
    """Runs what is tested: a cell, or a person's script."""

    def open(self, prepared: PreparedEnvironment) -> AbstractContextManager[OutcomeSession]:
        """Opens a session in an environment."""


class Evaluator:
    """Evaluates releases.

    Args:
        pinning: their environments.
        pool: where environments are prepared ahead; `None` to prepare none.
        trials: uninstrumented trials in a round, and as many instrumented ones.
        offline: whether the index may not be asked; then a release that is not in the cache has no outcome.
    """

    def __init__(
        self,
        pinning: Pinning,
        runner: OutcomeRunner,
        *,
        pool: Executor | None,
        cache: Path,
        trials: int,
        offline: bool,
        redact: Redact,
    ) -> None:
        self._pinning = pinning
        self._runner = runner
        self._pool = pool
        self._cache = cache
        self._trials = trials
        self._offline = offline
        self._redact = redact
        self._ahead: dict[str, Future[PreparedEnvironment]] = {}

    def prepare_ahead(self, releases: Iterable[Release]) -> None:
        """Starts to prepare the environments of releases."""
        if self._pool is None:
            return
        for release in releases:
            request = self._pinning.request(release)
            if request.digest not in self._ahead:
                self._ahead[request.digest] = self._pool.submit(self._prepare, release, request)

    def evaluate(
        self, release: Release, *, thorough: bool = False, request: ResolveRequest | None = None
    ) -> TriedRelease:
        """Returns the outcome of a release, or why it has none.

        Args:
            thorough: whether to run all rounds, even if the trials of the first one agree.
            request: of another environment than the usual one.

        Raises:
            IndexUnreachable: the index does not answer, though it may be asked.
        """
        request = request or self._pinning.request(release)
        try:
            ahead = self._ahead.pop(request.digest, None)
            prepared = ahead.result() if ahead is not None else self._prepare(release, request)
        except IndexUnreachable as problem:
            if not self._offline:
                raise
            return self._without_outcome(release, problem.reason)
        except EnvironmentProblem as problem:
            return self._without_outcome(release, f"{problem.status}: {problem.reason}")
        try:
            outcome, trials, why = self._run(prepared, thorough=thorough)
        except NoOutcome as error:
            return self._without_outcome(release, str(error), prepared)
        if outcome is None:
            return self._without_outcome(release, why, prepared, trials)
        return TriedRelease(
            release.version,
            release.day,
            outcome,
            trials=trials,
            environment=prepared.environment.name,
            packages=prepared.environment.packages,
        )

    def _run(self, prepared: PreparedEnvironment, *, thorough: bool) -> tuple[Outcome | None, int, str]:
        uninstrumented: list[Outcome] = []
        instrumented: list[Outcome] = []
        with self._runner.open(prepared) as session:
            for _ in range(ROUNDS):
                uninstrumented += session.run(self._trials, instrumented=False)
                instrumented += session.run(self._trials, instrumented=True)
                outcome = None if thorough else agreed(uninstrumented, instrumented, final=False)
                if outcome is not None:
                    break
            else:
                outcome = agreed(uninstrumented, instrumented, final=True)
        return outcome, len(uninstrumented) + len(instrumented), disagreement(uninstrumented)

    def _prepare(self, release: Release, request: ResolveRequest) -> PreparedEnvironment:
        return self._pinning.prepare(release, request, cache=self._cache, offline=self._offline)

    def _without_outcome(
        self, release: Release, reason: str, prepared: PreparedEnvironment | None = None, trials: int = 0
    ) -> TriedRelease:
        return TriedRelease(
            release.version,
            release.day,
            reason=self._redact(reason),
            trials=trials,
            environment=prepared.environment.name if prepared else None,
            packages=prepared.environment.packages if prepared else {},
        )
