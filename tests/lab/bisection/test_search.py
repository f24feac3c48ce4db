"""The laws of the search, for every list and every answer."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diagnostics.lab.bisection.search import (
    MOST_UNANSWERED,
    Answer,
    Boundary,
    boundaries,
    next_questions,
    search,
    spans,
    spread,
)

COUNTS = st.integers(2, 700)


@st.composite
def two_answers(draw: st.DrawFn) -> tuple[int, int]:
    """How many candidates, and which is the first that has changed."""
    count = draw(COUNTS)
    return count, draw(st.integers(1, count - 1))


@st.composite
def histories(draw: st.DrawFn) -> list[Answer]:
    """Answers in spans, some of which cannot tell."""
    runs = draw(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 30)), min_size=1, max_size=8))
    answers: list[Answer] = [letter for letter, length in runs for _ in range(length)]
    for index in draw(st.sets(st.integers(0, len(answers) - 1), max_size=20)):
        answers[index] = None
    return answers


class Looks:
    """A list of answers that counts who asks."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.order: list[int] = []

    def __call__(self, index: int) -> Answer:
        self.order.append(index)
        return self.answers[index]


@given(two_answers())
@example((2, 1))
@example((700, 699))
def test_the_boundary_is_found_with_the_least_possible_number_of_looks(case: tuple[int, int]) -> None:
    count, first = case
    look = Looks([index >= first for index in range(count)])

    known = search(look, count, (0, count - 1))

    assert boundaries(known) == [Boundary(first - 1, first)]
    assert len(look.order) <= 2 + math.ceil(math.log2(count - 1))


@given(two_answers(), st.data())
def test_those_that_cannot_tell_are_stepped_around_and_named(case: tuple[int, int], data: st.DataObject) -> None:
    count, first = case
    inner = st.integers(1, count - 2) if count > 2 else st.nothing()
    mute = data.draw(st.sets(inner, max_size=MOST_UNANSWERED - 1)) if count > 2 else set()
    look = Looks([None if index in mute else index >= first for index in range(count)])

    known = search(look, count, (0, count - 1))

    (found,) = boundaries(known)
    assert found.before < first <= found.after
    between = range(found.before + 1, found.after)
    assert set(between) <= mute & known.keys()
    in_vain = sum(answer is None for answer in known.values())
    assert len(look.order) <= 4 + math.ceil(math.log2(count)) + 2 * in_vain


def test_a_row_that_cannot_tell_costs_few_looks() -> None:
    # A third of 600 releases cannot be built, far from the boundary.
    look = Looks([None if 200 <= index < 400 else index >= 500 for index in range(600)])

    known = search(look, 600, (0, 599))

    assert boundaries(known) == [Boundary(499, 500)]
    assert len(look.order) <= 2 + math.ceil(math.log2(600)) + 3


def test_a_boundary_in_a_long_row_that_cannot_tell_is_given_up_and_said() -> None:
    look = Looks([None if 0 < index < 599 else index >= 300 for index in range(600)])

    known = search(look, 600, (0, 599))

    (found,) = boundaries(known)
    assert (found.before, found.after) == (0, 599)
    assert len(known) == 2 + MOST_UNANSWERED


@given(histories(), st.integers(0, 12))
def test_no_boundary_is_claimed_without_both_its_sides(answers: list[Answer], gaps: int) -> None:
    look = Looks(answers)

    known = search(look, len(answers), spread(len(answers), gaps))

    for found in boundaries(known):
        assert known[found.before] == answers[found.before] is not None
        assert known[found.after] == answers[found.after] is not None
        assert known[found.before] != known[found.after]
        assert all(answers[index] is None for index in range(found.before + 1, found.after) if index in known)
    assert sorted(look.order) == sorted(set(look.order)) == sorted(known)


@given(histories(), st.integers(0, 12))
def test_every_boundary_that_the_samples_show_is_closed(answers: list[Answer], gaps: int) -> None:
    samples = spread(len(answers), gaps)

    known = search(Looks(answers), len(answers), samples)

    shown = [answers[index] for index in sorted(samples) if answers[index] is not None]
    changes = sum(one != other for one, other in itertools.pairwise(shown))
    found = boundaries(known)
    assert len(found) >= changes
    for before, after in found:
        asked = [index in known for index in range(before + 1, after)]
        assert all(asked) or sum(asked) >= MOST_UNANSWERED


@given(histories())
def test_looking_everywhere_finds_the_history_itself(answers: list[Answer]) -> None:
    known = search(Looks(answers), len(answers), range(len(answers)))

    rebuilt = [answer for stretch in spans(known) for answer in [stretch.answer] * stretch.known]
    assert rebuilt == [answer for answer in answers if answer is not None]
    assert len(boundaries(known)) == max(0, len(spans(known)) - 1)


@given(histories(), st.integers(0, 12))
def test_spans_begin_and_end_where_somebody_looked(answers: list[Answer], gaps: int) -> None:
    known = search(Looks(answers), len(answers), spread(len(answers), gaps))

    for stretch in spans(known):
        assert known[stretch.first] == known[stretch.last] == stretch.answer is not None
        assert 1 <= stretch.known <= stretch.last - stretch.first + 1


@given(two_answers())
def test_whichever_of_two_answers_comes_the_next_question_was_foreseen(case: tuple[int, int]) -> None:
    count, first = case
    look = Looks([index >= first for index in range(count)])
    foreseen: list[list[int]] = []

    search(look, count, (0, count - 1), prepare=lambda coming: foreseen.append(list(coming)))

    assert all(len(coming) <= 2 for coming in foreseen)
    assert all(index in coming for index, coming in zip(look.order[1:], foreseen, strict=False))


@given(histories())
def test_what_is_known_is_not_asked_again(answers: list[Answer]) -> None:
    first = search(Looks(answers), len(answers), (0, len(answers) - 1))
    again = Looks(answers)

    assert search(again, len(answers), (0, len(answers) - 1), known=first) == first
    assert again.order == []


@given(st.integers(1, 700), st.integers(0, 40))
def test_samples_are_the_ends_and_leave_no_gap_wider_than_their_share(count: int, gaps: int) -> None:
    samples = spread(count, gaps)

    assert {0, count - 1} <= set(samples) <= set(range(count))
    assert len(samples) == len(set(samples)) <= gaps + 1 + (gaps == 0)
    ordered = sorted(samples)
    widest = max((high - low for low, high in itertools.pairwise(ordered)), default=0)
    assert widest <= math.ceil((count - 1) / max(1, gaps)) + 1


def test_an_empty_list_has_no_samples_and_no_history() -> None:
    assert spread(0, 8) == []
    assert search(Looks([]), 0, []) == {}
    assert next_questions({}, [], 0) == []


def test_a_sample_beyond_the_list_is_an_error() -> None:
    with pytest.raises(IndexError, match="not one of 3 candidates"):
        search(Looks(["a", "b", "c"]), 3, [3])
