"""A timeline as a diagram: every line is of the few forms that are known to be good, whatever the events say."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.model.event import Event
from diagnostics.report.markup import mermaid
from tests.report.strategies import HOSTILE, events

# The forms that were given to Mermaid's own parser (11.17), with hostile labels, when this was written.
LANE = r"(?:[LCX]\d+|GC)"
SAFE = r"[A-Za-z0-9 _.,()/+=-]"
FORMS = re.compile(
    rf"sequenceDiagram|    participant {LANE} as {LANE}(?: {SAFE}+)?|    Note over {LANE}: {SAFE}+"
    rf"|    {LANE}(?:->>|-x){LANE}: {SAFE}+"
)


@given(st.lists(events, max_size=40))
def test_every_line_has_a_known_form(told: list[Event]) -> None:
    drawn = mermaid.sequence(told)
    for line in drawn.splitlines():
        assert FORMS.fullmatch(line), line
        assert not re.search(r"\bend\b(?!\))", line, re.IGNORECASE), line
    assert len(drawn) < 6000


@given(st.text() | st.sampled_from(HOSTILE), st.integers(5, 80))
def test_a_label_is_short_and_harmless(words: str, limit: int) -> None:
    assert re.fullmatch(f"{SAFE}*", mermaid.label(words, limit))
    assert len(mermaid.label(words, limit)) <= limit + 2 * limit // 3 + 2, "each end gets two brackets"


def test_the_first_use_from_another_loop_is_in_the_middle_of_what_is_shown() -> None:
    told = [Event(number, f"C{number % 3 + 1}", "", "created") for number in range(1, 100)]
    told[60] = Event(61, "C1", "x", "touched", running="L2", loop="L1", detail="cross-loop-use: send")
    drawn = mermaid.sequence(told, most=20)
    assert "L2-xL1: cross-loop-use send" in drawn
    assert drawn.count("created") == 19
    assert re.search(r"Note over L\d: \d+ earlier events left out", drawn)
    assert re.search(r"Note over L\d: \d+ later events left out", drawn)


def test_connections_opened_in_a_row_are_one_line() -> None:
    told = [Event(number, f"X{number}", "", "opened", running="L1", loop="L1", client="C1") for number in range(1, 6)]
    assert "C1->>L1: opens 5 connections" in mermaid.sequence(told)


def test_nothing_to_draw_is_no_diagram() -> None:
    assert mermaid.sequence([]) == ""
    assert mermaid.sequence([Event(1, "GC", "", "collected"), Event(2, "LOG", "", "cut")]) == ""
