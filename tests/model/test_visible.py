"""No character of a foreign text reaches a terminal or a page as a command to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.model.visible import visible


@given(st.text())
def test_what_is_shown_has_no_control_character_and_keeps_the_rest(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert not set(shown) & set("\x00\x1b\x07\x7f\x9b\u200e\u200f\u202e\u2066\u2069\u061c")
    assert all(after in (before, "\ufffd") for before, after in zip(text, shown, strict=True))


def test_lines_and_letters_stay() -> None:
    assert visible("a\tb\r\nna\u00efve \u05d0 \U0001f600") == "a\tb\r\nna\u00efve \u05d0 \U0001f600"
