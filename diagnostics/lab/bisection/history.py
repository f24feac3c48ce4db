"""A search from its first look to its last.

The ends are looked at before the search starts. Both sides of every change are looked at again, more thoroughly, before
it is claimed; where that shows something else, the search goes on. A change beside which other packages moved is tried
once more with those held.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.lab.bisection import attribution
from diagnostics.lab.bisection.criterion import Criterion
from diagnostics.lab.bisection.search import Answer, boundaries, search, spread, stretches
from diagnostics.lab.bisection.session import Search
from diagnostics.model.bisection import ReleaseChange, ReleaseSpan, TriedRelease
from diagnostics.model.libraries import Searched

SAMPLES: Final = 32
"""Parts into which a history is cut at first."""


class SearchFailed(Exception):
    """There is no answer; one line says why and what to do."""


@dataclass(frozen=True)
class SearchResult:
    """What a search came to.

    Attributes:
        tried: oldest version first.
        releases: from the first to the last that told.
    """

    changes: tuple[ReleaseChange, ...]
    history: tuple[ReleaseSpan, ...]
    tried: tuple[TriedRelease, ...]
    releases: int


def find(
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
        state: the search; what it has looked at already is not looked at again.
        named: whether a person named the lower and the upper end; one that nobody named gives way to the next that
            can tell.
        every: whether to look for every change, by samples over the whole range.
        samples: into how many parts the range is cut at first.

    Raises:
        SearchFailed: an end cannot tell, or the ends do not differ.
        IndexUnreachable: the index does not answer.
    """
    scope, by = state.scope, state.by
    last = len(scope.open) - 1
    state.ahead(state.ends)
    low = _end(state, lambda step: step, "the lower end", named=named[0])
    high = _end(state, lambda step: last - step, "the upper end", named=named[1])
    if low >= high:
        raise SearchFailed(f"only {scope.open[low].version} can tell: widen the range, or choose another --python")
    if not every:
        state.by = _as_at(state, low)
        if state.label(low) == state.label(high):
            _same_ends(state, low, high)
    wanted = [low + index for index in _samples(high - low + 1, samples if every else 0)]
    known = _settle(state, wanted, low, high)
    if not every and not boundaries(known):
        raise SearchFailed("the ends differ no more when they are tried again: try more often, with --trials")
    state.by = by
    changes = tuple(attribution.change(state, package, cache, boundary) for boundary in boundaries(known))
    return SearchResult(
        changes,
        tuple(
            attribution.stretch(state, found.first, found.last, found.looked)
            for found in stretches({index: state.answer(index) for index in known})
        ),
        tuple(state.tried[index] for index in sorted(state.tried)),
        scope.span(scope.open[low].version, scope.open[high].version),
    )


def _samples(count: int, samples: int) -> list[int]:
    """What to look at first. Where that is about half of all, all."""
    return list(range(count)) if samples and count <= 2 * samples else spread(count, samples)


def _as_at(state: Search, low: int) -> Criterion:
    """Whether a release still does what the lower end does: two answers, for one boundary."""
    by, before = state.by, state.tried[low].outcome
    assert before is not None
    return lambda outcome: by(outcome) == by(before)


def _end(state: Search, index: Callable[[int], int], name: str, *, named: bool) -> int:
    """The first release from an end inwards that can tell.

    Args:
        index: from steps inwards to the release's index.
    """
    count = len(state.scope.open)
    step, reach, mute = 0, 1, -1
    while (tried := state.look(index(step), name)).outcome is None:
        if named or step == count - 1:
            raise SearchFailed(
                f"{name}, {tried.version}, cannot tell ({tried.reason}): "
                "choose another --good, --bad, --python or --with"
            )
        # Those that cannot tell come in rows, at an end above all: strides that double, then back.
        mute, step = step, min(count - 1, step + reach)
        reach *= 2
    if mute + 1 < step:
        known = search(lambda at: state.look(index(at), name).outcome is not None, count, (mute, step))
        step = max(boundary.after for boundary in boundaries(known))
    return index(step)


def _same_ends(state: Search, low: int, high: int) -> None:
    first, last = state.tried[low], state.tried[high]
    assert first.outcome is not None
    raise SearchFailed(
        f"{first.version} and {last.version} do the same here ({first.outcome.symptom}): name other ends, "
        "another --scenario or --by, or say --all to look for a change that was taken back"
    )


def _settle(state: Search, wanted: list[int], low: int, high: int) -> dict[int, Answer]:
    """Searches until both sides of every boundary have been looked at twice."""
    known: dict[int, Answer] = {}
    while True:
        inside = {index: state.answer(index) for index in state.tried if low <= index <= high}
        known = search(state.label, high + 1, wanted, known=inside, ahead=state.ahead)
        doubtful = [
            index
            for boundary in boundaries(known)
            for index in (boundary.before, boundary.after)
            if index not in state.sure
        ]
        if not doubtful:
            return known
        for index in dict.fromkeys(doubtful):
            state.make_sure(index)
