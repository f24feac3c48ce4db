"""Events of trials that are still running."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from diagnostics.lab.event_tail import tail_events
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.model.cell import Cell, Load
from diagnostics.model.codec import encode
from diagnostics.model.event import Event


def test_events_are_reported_as_they_are_written(tmp_path: Path) -> None:
    plan = TrialPlan(Cell("e", "openai", "repeated-run", "none", Load(1, 1, 1)), 0, "fork", instrumented=True)
    file = tmp_path / f"{plan.key}.events.jsonl"
    heard: list[Event] = []
    first = threading.Event()

    def on_event(_: TrialPlan, event: Event) -> None:
        heard.append(event)
        first.set()

    lines = [json.dumps(encode(Event(number, "L1", "", "created"))) + "\n" for number in (1, 2)]
    with tail_events(tmp_path, [plan], on_event, str):
        file.write_text(lines[0] + lines[1][:9], encoding="utf-8")
        assert first.wait(timeout=30)
        assert [event.number for event in heard] == [1]
        with file.open("a", encoding="utf-8") as stream:
            stream.write(lines[1][9:])

    assert [event.number for event in heard] == [1, 2]
