from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repro.filecheck import Check, first_mismatch, read_checks

WORDS = st.text(alphabet="ab |[].*", min_size=1, max_size=4).map(str.strip).filter(bool)
OUTPUT = st.lists(WORDS, max_size=8)
BLANKS = st.text(alphabet=" \t", min_size=1, max_size=4)


def checks(texts: list[str]) -> list[Check]:
    return [Check(number, " ".join(text.split())) for number, text in enumerate(texts, 1)]


def in_order(texts: list[str], output: str) -> bool:
    """The definition, slowly: is there any choice of places that do not overlap and come one after the other?"""
    if not texts:
        return True
    places = [at for at in range(len(output)) if output.startswith(texts[0], at)]
    return any(in_order(texts[1:], output[at + len(texts[0]) :]) for at in places)


@given(st.lists(st.text(alphabet="ab", min_size=1, max_size=2), max_size=4), st.text(alphabet="ab\n", max_size=12))
def test_the_first_place_found_is_as_good_as_any_other(texts: list[str], output: str) -> None:
    assert (first_mismatch(checks(texts), output) is None) == in_order(texts, output)


@given(OUTPUT, st.data())
def test_any_selection_of_lines_in_their_order_matches(lines: list[str], data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([c for size in range(len(lines) + 1) for c in combinations(lines, size)]))
    assert first_mismatch(checks(list(chosen)), "\n".join(lines)) is None


@given(OUTPUT, st.integers(min_value=0, max_value=8))
def test_what_is_not_in_the_output_is_the_mismatch(lines: list[str], place: int) -> None:
    expected = [*lines[:place], "absent", *lines[place:]]
    mismatch = first_mismatch(checks(expected), "\n".join(lines))
    assert mismatch is not None
    assert mismatch.check.text == "absent"


@given(st.lists(WORDS, min_size=1, max_size=5), BLANKS, BLANKS)
def test_the_width_of_blanks_does_not_count(words: list[str], ours: str, theirs: str) -> None:
    (check,) = read_checks("# CHECK:" + ours + ours.join(words))
    assert first_mismatch([check], theirs.join(words)) is None


@pytest.mark.parametrize(
    ("text", "output", "matches"),
    [
        ("raised={{[1-5]}} lost", "raised=4 lost", True),
        ("raised={{[1-5]}} lost", "raised=7 lost", False),
        ("raised={{4|5}} lost", "raised=5 lost", True),
        ("a{{.*}}b", "a\nb", False),
        ("a.b", "axb", False),
        ("{{a}}{{b}}", "ab", True),
    ],
)
def test_double_braces_hold_a_regular_expression(text: str, output: str, matches: bool) -> None:
    assert (first_mismatch(checks([text]), output) is None) == matches


def test_only_the_prefixes_asked_for_are_read_and_keep_their_line() -> None:
    source = "x = 1\n# CHECK: one\n# CHECK-HTTPX: two\n    # CHECK-HTTPX2: three\n# CHECKED: no\nprint('CHECK: no')\n"
    assert read_checks(source) == [Check(2, "one")]
    assert read_checks(source, {"CHECK", "CHECK-HTTPX2"}) == [Check(2, "one"), Check(4, "three")]


def test_an_empty_expectation_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 2: CHECK expects nothing"):
        read_checks("\n# CHECK:   \n")


def test_a_mismatch_says_which_line_and_where_the_search_began() -> None:
    mismatch = first_mismatch(checks(["one", "three"]), "one\ntwo\n")
    assert str(mismatch) == "line 2 expects 'three'; the search began at 'two'"
