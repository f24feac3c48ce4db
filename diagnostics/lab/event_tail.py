"""Reports the events of trials that are still running, as they are written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from diagnostics.lab.execution.events import parsed
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.redactor import Redact
from diagnostics.model.event import EVENTS_SUFFIX, Event, cleaned

POLL_INTERVAL: Final = 0.05
"""Seconds between two reads: nobody reads faster, and one costs less than a millisecond."""

EventListener = Callable[[TrialPlan, Event], None]


@contextmanager
def tail_events(
    folder: Path, plans: Iterable[TrialPlan], on_event: EventListener | None, redact: Redact
) -> Iterator[None]:
    """Reports events while the block runs, from a thread of its own, and the rest of them when it ends.

    Args:
        folder: where the trials write.
        plans: trials that may write there.
        on_event: called for each event in the order of its file; `None` for nobody.
    """
    instrumented = {folder / (plan.key + EVENTS_SUFFIX): plan for plan in plans if plan.instrumented}
    if on_event is None or not instrumented:
        yield
        return
    positions = dict.fromkeys(instrumented, 0)
    over = threading.Event()

    def report() -> None:
        for file, plan in instrumented.items():
            text, positions[file] = _whole_lines(file, positions[file])
            for event in cleaned(parsed(text), redact):
                on_event(plan, event)

    def poll() -> None:
        # An OSError means that the other end of a pipe is closed; the caller notices when it writes there next.
        with suppress(OSError):
            while not over.wait(POLL_INTERVAL):
                report()

    thread = threading.Thread(target=poll, name="events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        report()


def _whole_lines(file: Path, position: int) -> tuple[str, int]:
    """The complete lines from a position on, and the position behind them."""
    try:
        with file.open("rb") as stream:
            stream.seek(position)
            whole, newline, _ = stream.read().rpartition(b"\n")
    except FileNotFoundError:
        return "", position
    return whole.decode("utf-8", "replace"), position + len(whole) + len(newline)
