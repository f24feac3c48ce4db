"""A search from its first candidate to its result.

Both ends are evaluated before the search starts. Both sides of every change are evaluated again, thoroughly, before the
change is reported; if that shows something else, the search continues. A change in which other packages differ, too, is
tried once more with these held still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.lab.bisection.attribution import change_record, span_record
from diagnostics.lab.bisection.criterion import Criterion
from diagnostics.lab.bisection.search import Answer, boundaries, search, spans, spread
from diagnostics.lab.bisection.session import Search
from diagnostics.model.bisection import ReleaseChange, ReleaseSpan, TriedRelease
from diagnostics.model.libraries import Searched
from diagnostics.model.words import SYMPTOM_NAMES

SAMPLES: Final = 32
"""Parts into which the range is cut at first when all changes are searched for."""


class SearchFailed(Exception):
    """The search has no result; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        tried: oldest version first.
        releases: how many there are from the first to the last that has an outcome.
    """

    changes: tuple[ReleaseChange, ...]
    history: tuple[ReleaseSpan, ...]
    tried: tuple[TriedRelease, ...]
    releases: int


def find_changes(
    state: Search,
    *,
    package: Searched,
    cache: Path,
    named: tuple[bool, bool],
    every: bool = False,
    samples: int = SAMPLES,
) -> SearchResult:
    """Searches.

    Args:
        state: the search; candidates that it has evaluated are not evaluated again.
        named: whether a person named the lower and the upper end; otherwise the next candidate with an outcome replaces
            an end that has none.
        every: whether to search for every change, by samples over the whole range.
        samples: into how many parts the range is cut at first.

    Raises:
        SearchFailed: an end has no outcome, or the ends do not differ.
        IndexUnreachable: the index does not answer.
    """
    scope, criterion = state.scope, state.criterion
    last = len(scope.candidates) - 1
    state.prepare_ahead(state.ends)
    low = _end(state, lambda step: step, "the lower end", named=named[0])
    high = _end(state, lambda step: last - step, "the upper end", named=named[1])
    if low >= high:
        version = scope.candidates[low].version
        raise SearchFailed(f"only {version} has an outcome; widen the range, or choose another --python")
    if not every:
        state.criterion = _same_as(state, low)
        if state.ask(low) == state.ask(high):
            raise SearchFailed(_same_ends(state, low, high))
    wanted = [low + index for index in _samples(high - low + 1, samples if every else 0)]
    known = _confirmed(state, wanted, low, high)
    if not every and not boundaries(known):
        raise SearchFailed("the ends no longer differ when they are tried again; try more often, with --trials")
    state.criterion = criterion
    return SearchResult(
        tuple(change_record(state, package, cache, boundary) for boundary in boundaries(known)),
        tuple(
            span_record(state, span.first, span.last, span.known)
            for span in spans({index: state.answer(index) for index in known})
        ),
        tuple(state.tried[index] for index in sorted(state.tried)),
        scope.span(scope.candidates[low].version, scope.candidates[high].version),
    )


def _samples(count: int, samples: int) -> list[int]:
    """The first candidates to evaluate: all of them, if about half of them would be samples."""
    return list(range(count)) if samples and count <= 2 * samples else spread(count, samples)


def _same_as(state: Search, low: int) -> Criterion:
    """Whether a release does what the lower end does: two possible answers, so that there is one boundary."""
    criterion, before = state.criterion, state.tried[low].outcome
    assert before is not None
    return lambda outcome: criterion(outcome) == criterion(before)


def _end(state: Search, index: Callable[[int], int], name: str, *, named: bool) -> int:
    """The first candidate with an outcome, from an end inwards.

    Args:
        index: from steps inwards to the index of the candidate.
    """
    count = len(state.scope.candidates)
    step, stride, without = 0, 1, -1
    while (tried := state.evaluate(index(step), name)).outcome is None:
        if named or step == count - 1:
            raise SearchFailed(
                f"{name}, {tried.version}, has no outcome ({tried.reason}); "
                "choose another --good, --bad, --python or --with"
            )
        # Releases without an outcome come in rows, most of all at an end: the strides double, then it goes back.
        without, step = step, min(count - 1, step + stride)
        stride *= 2
    if without + 1 < step:
        known = search(lambda at: state.evaluate(index(at), name).outcome is not None, count, (without, step))
        step = max(boundary.after for boundary in boundaries(known))
    return index(step)


def _same_ends(state: Search, low: int, high: int) -> str:
    first, last = state.tried[low], state.tried[high]
    assert first.outcome is not None
    return (
        f"{first.version} and {last.version} do the same here ({SYMPTOM_NAMES[first.outcome.symptom]}); "
        "name other ends, another --scenario or --by, or use --all to search for a change that was reverted"
    )


def _confirmed(state: Search, wanted: list[int], low: int, high: int) -> dict[int, Answer]:
    while True:
        earlier = {index: state.answer(index) for index in state.tried if low <= index <= high}
        known = search(state.ask, high + 1, wanted, known=earlier, prepare=state.prepare_ahead)
        sides = [index for boundary in boundaries(known) for index in (boundary.before, boundary.after)]
        unconfirmed = [index for index in dict.fromkeys(sides) if index not in state.confirmed]
        if not unconfirmed:
            return known
        for index in unconfirmed:
            state.confirm(index)
