"""Events as lines."""

from __future__ import annotations

import json

from diagnostics.model.cell import Cell
from diagnostics.model.codec import decode, encode
from diagnostics.model.event import Event
from diagnostics.model.finding import Site
from diagnostics.report.view.event_lines import TrialEvent, told, trial_event

CLOSED = Event(7, "L1", "", "closed", running="L2", by=Site("asyncio/base_events.py", 762, "BaseEventLoop.__del__", ""))


def test_a_loop_that_is_made() -> None:
    site = Site("mine.py", 3, "main", "")

    assert told(Event(1, "L2", "asyncio", "created", by=site, site=site)) == "[L2] created asyncio by main (mine.py:3)"


def test_a_loop_that_is_closed_while_another_runs() -> None:
    assert told(CLOSED) == "[L1] closed by BaseEventLoop.__del__ (asyncio/base_events.py:762) while L2 runs"


def test_a_touch() -> None:
    touch = Event(9, "C1", "", "touched", loop="L1", open=False, running="L2", detail="cross-loop-close: aclose")

    assert told(touch) == "[C1] touched on L1 (closed) while L2 runs - cross-loop-close: aclose"


def test_a_connection_and_a_touch_of_it() -> None:
    opened = Event(3, "X1", "localhost:1", "opened", running="L1", loop="L1", open=True, client="C1")
    touch = Event(9, "C1", "", "touched", loop="L1", open=False, detail="cross-loop-close: aclose", connection="X1")

    assert told(opened) == "[X1] opened on L1 (open) while L1 runs for C1"
    assert told(touch) == "[C1] touched on L1 (closed) by way of X1 - cross-loop-close: aclose"


def test_no_escape_sequence_gets_through() -> None:
    assert "\x1b" not in told(Event(1, "C1", "\x1b[31m", "created"))


def test_a_json_line_can_be_read_as_an_event_again() -> None:
    found = trial_event("k", Cell("e", "openai", "repeated-run", "none"), 2, CLOSED)
    line = json.loads(json.dumps(encode(found)))

    assert (line["trial"], line["scenario"], line["repetition"]) == ("k", "repeated-run", 2)
    assert decode(TrialEvent, line) == found
