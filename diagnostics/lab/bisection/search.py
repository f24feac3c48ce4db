"""Chooses which candidates of an ordered list to ask, to find the neighbours between which the answer changes. Pure.

    known = search(ask, count, samples)      asks until every change is between two neighbours
    boundaries(known), spans(known)          what the answers show

An answer is any hashable value, or `None` for no answer. With two values this is bisection and asks no more than it
must; with more, every boundary that the samples show is found. Between two samples with the same answer there may be
others that nobody asked: `SearchSpan.known` is how many were.

The search steps around a candidate without an answer, and asks candidates far from it first, because releases that
cannot be installed come in rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

Answer = Hashable
"""`None` is no answer."""

Known = Mapping[int, Answer]

MOST_UNANSWERED: Final = 24
"""Candidates without an answer in one gap before the rest of the gap is left alone."""


class Boundary(NamedTuple):
    """Two candidates with different answers, by their indices; none between them has an answer."""

    before: int
    after: int


@dataclass(frozen=True)
class SearchSpan:
    """Candidates with one answer, as far as they were asked; the first and the last were.

    Attributes:
        known: how many from `first` to `last` have an answer.
    """

    first: int
    last: int
    answer: Answer
    known: int


def search(
    ask: Callable[[int], Answer],
    count: int,
    samples: Sequence[int],
    *,
    known: Known | None = None,
    prepare: Callable[[Sequence[int]], None] | None = None,
) -> dict[int, Answer]:
    """Asks the samples, then candidates in every gap between two answers that differ, until no gap is left.

    Args:
        ask: returns a candidate's answer; called at most once for each.
        count: how many candidates there are.
        samples: indices to ask in any case, in this order; for a bisection, the two ends.
        known: earlier answers.
        prepare: called before each question with the candidates that may come next: one for each possible answer.

    Returns:
        Index to answer, for all candidates that were asked.

    Raises:
        IndexError: a sample is not a candidate.
    """
    if any(not 0 <= index < count for index in samples):
        raise IndexError(f"a sample is not one of {count} candidates")
    found = dict(known or {})
    while (chosen := next_question(found, samples)) is not None:
        if prepare is not None:
            prepare(next_questions(found, samples, chosen))
        found[chosen] = ask(chosen)
    return found


def next_question(known: Known, samples: Sequence[int]) -> int | None:
    """Returns the candidate to ask; `None` if the search is over."""
    waiting = next((index for index in samples if index not in known), None)
    if waiting is not None:
        return waiting
    return next((index for gap in _gaps(known) if (index := _inside(known, *gap)) is not None), None)


def next_questions(known: Known, samples: Sequence[int], index: int) -> list[int]:
    """Returns the candidates that can follow `index`: its answer is that of a neighbour, or for an end a new one."""
    answered = _answered(known)
    below = [known[other] for other in answered if other < index][-1:]
    above = [known[other] for other in answered if other > index][:1]
    answers = [*below, *above] if below and above else [*below, *above, object()]
    follow = [next_question({**known, index: answer}, samples) for answer in answers]
    return list(dict.fromkeys(other for other in follow if other is not None))


def boundaries(known: Known) -> list[Boundary]:
    """Returns where neighbours differ, in order."""
    return [Boundary(*gap) for gap in _gaps(known)]


def spans(known: Known) -> list[SearchSpan]:
    """Returns the whole history, with neighbours that have the same answer as one span."""
    groups = itertools.groupby(_answered(known), key=lambda index: known[index])
    return [
        SearchSpan(indices[0], indices[-1], answer, len(indices))
        for answer, indices in ((answer, list(group)) for answer, group in groups)
    ]


def spread(count: int, gaps: int) -> list[int]:
    """Returns samples of a list: both ends, and as many as cut it into at least `gaps` even parts.

    The coarse ones come first, so that an interrupted search has seen most of the range.
    """
    if count == 0:
        return []
    even = [round(step * (count - 1) / gaps) for step in _coarse_first(gaps)] if gaps > 0 else []
    return list(dict.fromkeys([0, count - 1, *even]))


def _coarse_first(parts: int) -> list[int]:
    """1 to `parts` - 1, the middle first, then the quarters, and so on."""
    return sorted(range(1, parts), key=lambda step: -_twos(step))


def _twos(number: int) -> int:
    return (number & -number).bit_length()


def _answered(known: Known) -> list[int]:
    return sorted(index for index, answer in known.items() if answer is not None)


def _gaps(known: Known) -> Iterator[tuple[int, int]]:
    """Neighbours among the candidates with an answer whose answers differ."""
    return ((low, high) for low, high in itertools.pairwise(_answered(known)) if known[low] != known[high])


def _inside(known: Known, low: int, high: int) -> int | None:
    """The candidate to ask in a gap: the middle one, or one away from those without an answer."""
    not_asked = [index for index in range(low + 1, high) if index not in known]
    unanswered = high - low - 1 - len(not_asked)
    if not not_asked or unanswered >= MOST_UNANSWERED:
        return None
    return not_asked[int(len(not_asked) * _fraction(unanswered))]


def _fraction(number: int) -> float:
    """1/2, 1/4, 3/4, 1/8, 5/8, 3/8, 7/8, …: the van der Corput sequence, evenly spread at every length."""
    value, part, number = 0.0, 0.5, number + 1
    while number:
        value += part * (number & 1)
        number, part = number >> 1, part / 2
    return value
