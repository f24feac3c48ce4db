"""Which candidates of an ordered list to look at, to find between which two the answer changes. Pure.

    known = search(look, count, samples)      looks until there is nothing left to ask
    boundaries(known), stretches(known)       what that shows

A look gives any hashable answer, or `None`: cannot tell. With two answers this is bisection; with more, every boundary
that the samples show is found. The answer may come back to what it was between two samples that agree: nobody looked
there, and `SearchSpan.looked` against its length says so.

A candidate that cannot tell is stepped around: the next ones lie far from it first, because releases that cannot be
installed come in rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Answer = Hashable
"""`None` is "cannot tell"."""

Known = Mapping[int, Answer]

PATIENCE: Final = 24
"""Candidates that cannot tell in one gap, before the rest of the gap is left alone."""


@dataclass(frozen=True)
class Boundary:
    """Two candidates that were both looked at, with nothing between them that could tell.

    Attributes:
        before: index of the last with the one answer.
        after: index of the first with the other.
        cannot_tell: between them, looked at in vain.
        not_looked_at: between them, never looked at: there were too many that could not tell.
    """

    before: int
    after: int
    cannot_tell: tuple[int, ...] = ()
    not_looked_at: tuple[int, ...] = ()


@dataclass(frozen=True)
class SearchSpan:
    """Candidates with one answer, as far as they were looked at; the first and the last were.

    Attributes:
        looked: how many from `first` to `last` could tell.
    """

    first: int
    last: int
    answer: Answer
    looked: int


def search(
    look: Callable[[int], Answer],
    count: int,
    samples: Sequence[int],
    *,
    known: Known | None = None,
    ahead: Callable[[Sequence[int]], None] | None = None,
) -> dict[int, Answer]:
    """Looks at the samples, then into every gap between two neighbours that differ, until each is closed.

    Args:
        look: gives a candidate's answer; called at most once for each.
        count: how many candidates there are.
        samples: indices to look at in any case, in this order; for a bisection, the two ends.
        known: what was looked at before.
        ahead: told, before each look, which candidates may come next: one for either answer.

    Returns:
        Index to answer, of all that was looked at.

    Raises:
        IndexError: a sample is not a candidate.
    """
    if any(not 0 <= index < count for index in samples):
        raise IndexError(f"a sample is not one of {count} candidates")
    found = dict(known or {})
    while (chosen := next_look(found, samples)) is not None:
        if ahead is not None:
            ahead(next_looks(found, samples, chosen))
        found[chosen] = look(chosen)
    return found


def next_look(known: Known, samples: Sequence[int]) -> int | None:
    """The candidate to look at; `None` where the search is over."""
    waiting = next((index for index in samples if index not in known), None)
    if waiting is not None:
        return waiting
    return next((index for gap in _gaps(known) if (index := _inside(known, *gap)) is not None), None)


def next_looks(known: Known, samples: Sequence[int], index: int) -> list[int]:
    """The candidates that can follow a look at `index`: its answer is that of a neighbour, or for an end a new one."""
    told = _told(known)
    below = [known[other] for other in told if other < index][-1:]
    above = [known[other] for other in told if other > index][:1]
    answers = [*below, *above] if below and above else [*below, *above, object()]
    follow = [next_look({**known, index: answer}, samples) for answer in answers]
    return list(dict.fromkeys(other for other in follow if other is not None))


def boundaries(known: Known) -> list[Boundary]:
    """Where neighbours differ, in order; both sides were looked at."""
    result = []
    for low, high in _gaps(known):
        between = range(low + 1, high)
        result.append(
            Boundary(
                low,
                high,
                tuple(index for index in between if index in known),
                tuple(index for index in between if index not in known),
            )
        )
    return result


def stretches(known: Known) -> list[SearchSpan]:
    """The whole history: neighbours with the same answer as one."""
    groups = itertools.groupby(_told(known), key=lambda index: known[index])
    return [
        SearchSpan(indices[0], indices[-1], answer, len(indices))
        for answer, indices in ((answer, list(group)) for answer, group in groups)
    ]


def spread(count: int, gaps: int, always: Sequence[int] = ()) -> list[int]:
    """Samples for a history: both ends, `always`, and as many as cut the list into at least `gaps` even parts.

    Coarse first, so that an interrupted search has seen most.
    """
    if count == 0:
        return []
    even = [round(step * (count - 1) / gaps) for step in _coarse_first(gaps)] if gaps > 0 else []
    return list(dict.fromkeys([0, count - 1, *always, *even]))


def _coarse_first(parts: int) -> list[int]:
    """1 to `parts` - 1, the middle first, then the quarters, and so on."""
    return sorted(range(1, parts), key=lambda step: -_twos(step))


def _twos(number: int) -> int:
    return (number & -number).bit_length()


def _told(known: Known) -> list[int]:
    return sorted(index for index, answer in known.items() if answer is not None)


def _gaps(known: Known) -> Iterator[tuple[int, int]]:
    """Neighbours, among those that could tell, whose answers differ."""
    return ((low, high) for low, high in itertools.pairwise(_told(known)) if known[low] != known[high])


def _inside(known: Known, low: int, high: int) -> int | None:
    """The candidate to look at in a gap: the middle one, or away from those that could not tell."""
    unlooked = [index for index in range(low + 1, high) if index not in known]
    in_vain = high - low - 1 - len(unlooked)
    if not unlooked or in_vain >= PATIENCE:
        return None
    return unlooked[int(len(unlooked) * _fraction(in_vain))]


def _fraction(number: int) -> float:
    """1/2, 1/4, 3/4, 1/8, 5/8, 3/8, 7/8, …: the van der Corput sequence, which is never long in one place."""
    value, part, number = 0.0, 0.5, number + 1
    while number:
        value += part * (number & 1)
        number, part = number >> 1, part / 2
    return value
