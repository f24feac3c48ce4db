"""Plays a release and says what came out, or why it cannot tell.

The environments of releases that may come next are prepared in other threads while one is played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from diagnostics.lab.bisection.consensus import ROUNDS, agreed, disagreement
from diagnostics.lab.bisection.pinning import Pinning
from diagnostics.lab.bisection.releases import Release
from diagnostics.lab.environments import EnvironmentProblem, IndexUnreachable, PreparedEnvironment
from diagnostics.lab.environments.resolve import ResolveRequest
from diagnostics.model.bisection import Outcome, TriedRelease


class NoOutcome(Exception):
    """There is no outcome in this environment; one line says why."""


class Session(Protocol):
    """Trials in one environment."""

    def play(self, count: int, *, instrumented: bool) -> list[Outcome]:
        """Plays so many more trials.

        Raises:
            NoOutcome: they cannot run here.
        """


class Player(Protocol):
    """What is tried: a cell, or a person's script."""

    def open(self, prepared: PreparedEnvironment) -> AbstractContextManager[Session]:
        """Begins to play in an environment."""


class Evaluator:
    """Looks at releases.

    Args:
        held: the environments.
        pool: where environments are prepared ahead.
        trials: uninstrumented ones in a round, and instrumented ones too.
        offline: the index may not be asked, so that what is not in the cache cannot tell.
    """

    def __init__(
        self,
        held: Pinning,
        player: Player,
        *,
        pool: Executor | None,
        cache: Path,
        trials: int,
        offline: bool,
        redact: Callable[[str], str],
    ) -> None:
        self._held = held
        self._player = player
        self._pool = pool
        self._cache = cache
        self._trials = trials
        self._offline = offline
        self._redact = redact
        self._coming: dict[str, Future[PreparedEnvironment]] = {}

    def ahead(self, releases: Iterable[Release]) -> None:
        """Begins to prepare what may come next."""
        if self._pool is None:
            return
        for release in releases:
            asked = self._held.question(release)
            if asked.digest not in self._coming:
                self._coming[asked.digest] = self._pool.submit(self._build, release, asked)

    def look(self, release: Release, *, thorough: bool = False, asked: ResolveRequest | None = None) -> TriedRelease:
        """What a release does.

        Args:
            thorough: as many trials as there are for a release whose trials differ.
            asked: another environment for it than the usual one.

        Raises:
            IndexUnreachable: the index does not answer, though it may be asked.
        """
        try:
            prepared = self._prepared(release, asked or self._held.question(release))
        except IndexUnreachable as problem:
            if not self._offline:
                raise
            return self._mute(release, problem.reason)
        except EnvironmentProblem as problem:
            return self._mute(release, f"{problem.status}: {problem.reason}")
        try:
            outcome, trials, why = self._play(prepared, thorough=thorough)
        except NoOutcome as error:
            return self._mute(release, str(error), prepared)
        if outcome is None:
            return self._mute(release, why, prepared, trials)
        return TriedRelease(
            release.version,
            release.day,
            outcome,
            trials=trials,
            environment=prepared.environment.name,
            packages=prepared.environment.packages,
        )

    def _play(self, prepared: PreparedEnvironment, *, thorough: bool) -> tuple[Outcome | None, int, str]:
        uninstrumented: list[Outcome] = []
        instrumented: list[Outcome] = []
        with self._player.open(prepared) as session:
            for _ in range(ROUNDS):
                uninstrumented += session.play(self._trials, instrumented=False)
                instrumented += session.play(self._trials, instrumented=True)
                outcome = None if thorough else agreed(uninstrumented, instrumented, last_word=False)
                if outcome is not None:
                    break
            else:
                outcome = agreed(uninstrumented, instrumented, last_word=True)
        return outcome, len(uninstrumented) + len(instrumented), disagreement(uninstrumented)

    def _prepared(self, release: Release, asked: ResolveRequest) -> PreparedEnvironment:
        coming = self._coming.pop(asked.digest, None)
        return coming.result() if coming is not None else self._build(release, asked)

    def _build(self, release: Release, asked: ResolveRequest) -> PreparedEnvironment:
        return self._held.prepare(release, asked, cache=self._cache, offline=self._offline)

    def _mute(
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
