"""A search while it goes on: in which releases, by whom they are judged, and what was looked at so far."""

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
from diagnostics.model.bisection import TriedRelease


class SearchListener(Protocol):
    """Told how a search goes on."""

    def looking(self, release: Release, why: str) -> None:
        """A release is being looked at."""

    def looked(self, tried: TriedRelease) -> None:
        """It was."""


@dataclass
class Search:
    """One search: where, by whom, and what was looked at so far."""

    scope: Scope
    held: Pinning
    judge: Evaluator
    by: Criterion
    listener: SearchListener
    tried: dict[int, TriedRelease] = field(default_factory=dict)
    sure: set[int] = field(default_factory=set)

    @property
    def ends(self) -> tuple[int, int]:
        """The indices of the first and the last release."""
        return 0, len(self.scope.open) - 1

    def look(self, index: int, why: str = "") -> TriedRelease:
        """What the release with this index does; looked at once."""
        if index not in self.tried:
            release = self.scope.open[index]
            self.listener.looking(release, why)
            self.tried[index] = self.judge.look(release)
            self.listener.looked(self.tried[index])
        return self.tried[index]

    def make_sure(self, index: int) -> None:
        """Looks at a side of a change again."""
        release = self.scope.open[index]
        self.listener.looking(release, "again, to be sure")
        self.tried[index] = self.judge.look(release, thorough=True)
        self.listener.looked(self.tried[index])
        self.sure.add(index)

    def answer(self, index: int) -> Answer:
        """The answer that `search` gets for a release that was looked at."""
        outcome = self.tried[index].outcome
        return None if outcome is None else ("label", self.by(outcome))

    def label(self, index: int) -> Answer:
        """The same, for a release that may still have to be looked at."""
        self.look(index)
        return self.answer(index)

    def ahead(self, indices: Sequence[int]) -> None:
        """Has what may be looked at next prepared."""
        self.judge.ahead(self.scope.open[index] for index in indices if index not in self.tried)
