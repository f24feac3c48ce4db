"""The state of one search: its candidates, how they are evaluated, and what was found so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from diagnostics.lab.bisection.criterion import Criterion
from diagnostics.lab.bisection.evaluate import Evaluator
from diagnostics.lab.bisection.pinning import Pinning
from diagnostics.lab.bisection.releases import Release
from diagnostics.lab.bisection.scope import Scope
from diagnostics.lab.bisection.search import Answer
from diagnostics.model.bisection import Outcome, TriedRelease


class SearchListener(Protocol):
    """Receives the progress of a search."""

    def release_started(self, release: Release, why: str) -> None:
        """A release is about to be evaluated."""

    def release_finished(self, tried: TriedRelease) -> None:
        """A release was evaluated."""


@dataclass
class Search:
    """One search.

    Attributes:
        tried: by index, what was found of the candidates that were evaluated.
        confirmed: indices of those that were evaluated again, thoroughly.
    """

    scope: Scope
    pinning: Pinning
    evaluator: Evaluator
    criterion: Criterion
    listener: SearchListener
    tried: dict[int, TriedRelease] = field(default_factory=dict)
    confirmed: set[int] = field(default_factory=set)

    @property
    def ends(self) -> tuple[int, int]:
        """The indices of the first and the last candidate."""
        return 0, len(self.scope.candidates) - 1

    def evaluate(self, index: int, why: str = "") -> TriedRelease:
        """Returns what a candidate does; it is evaluated once."""
        if index not in self.tried:
            self._evaluate(index, why, thorough=False)
        return self.tried[index]

    def confirm(self, index: int) -> None:
        """Evaluates a candidate again, thoroughly."""
        self._evaluate(index, "again, to be sure", thorough=True)
        self.confirmed.add(index)

    def answer_of(self, outcome: Outcome) -> Answer:
        """Returns the answer of `search` for an outcome; never `None`, which means that there is no outcome."""
        return ("answer", self.criterion(outcome))

    def answer(self, index: int) -> Answer:
        """Returns the answer for a candidate that was evaluated."""
        outcome = self.tried[index].outcome
        return None if outcome is None else self.answer_of(outcome)

    def ask(self, index: int) -> Answer:
        """Returns the answer for any candidate."""
        self.evaluate(index)
        return self.answer(index)

    def prepare_ahead(self, indices: Sequence[int]) -> None:
        """Starts to prepare the environments of candidates."""
        self.evaluator.prepare_ahead(self.scope.candidates[index] for index in indices if index not in self.tried)

    def _evaluate(self, index: int, why: str, *, thorough: bool) -> None:
        release = self.scope.candidates[index]
        self.listener.release_started(release, why)
        self.tried[index] = self.evaluator.evaluate(release, thorough=thorough)
        self.listener.release_finished(self.tried[index])
