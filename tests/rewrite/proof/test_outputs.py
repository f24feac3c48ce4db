"""What may differ between runs is learned from runs, and nothing else may."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.rewrite.proof.outputs import learn

WORD = st.text("abcdef ", min_size=1, max_size=8)


def test_equal_outputs_allow_nothing_else() -> None:
    expected = learn(["one\ntwo\n", "one\ntwo\n"])
    assert expected.difference("one\ntwo\n") is None
    assert "'2'" in str(expected.difference("one\n2\n"))
    assert "'two' is not printed" in str(expected.difference("one\n"))
    assert "'three' is printed in addition" in str(expected.difference("one\ntwo\nthree\n"))


def test_times_and_addresses_are_learned_where_they_differed_and_not_elsewhere() -> None:
    expected = learn(["done 3 in 0.12s <X at 0x7f12ab>\n", "done 3 in 0.25s <X at 0x7f99cd>\n"])
    assert expected.difference("done 3 in 0.9s <X at 0x1e>\n") is None
    assert expected.difference("done 4 in 0.12s <X at 0x7f12ab>\n") is not None
    assert expected.difference("done 3 in 0.12s <X at nowhere>\n") is not None


def test_an_order_that_changes_is_no_difference_but_a_lost_line_is() -> None:
    expected = learn(["a\nb\nc\n", "b\na\nc\n"])
    assert expected.difference("c\nb\na\n") is None
    assert "'c'" in str(expected.difference("a\nb\nb\n"))


def test_lines_that_no_rule_explains_are_counted() -> None:
    expected = learn(["same\nx y\n", "same\nx\ny z\n"])
    assert expected.difference("q\nsame\n") is None
    assert "3 other lines" in str(expected.difference("q\nq\nsame\nq\n"))


@given(st.lists(st.lists(WORD, max_size=5).map("\n".join), min_size=1, max_size=4))
def test_what_was_learned_accepts_every_output_that_it_was_learned_from(outputs: list[str]) -> None:
    expected = learn(outputs)
    assert [expected.difference(each) for each in outputs] == [None] * len(outputs)
    assert str(expected)
