"""The public functions: instrument a process, and read its findings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagnostics.sanitizer.capture.installation import install, problems, uninstall
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.sites import loaded_frameworks
from diagnostics.sanitizer.capture.tracker import TRACKER

if TYPE_CHECKING:
    from diagnostics.sanitizer.analyze.root_causes import Report
    from diagnostics.sanitizer.announcer import Announcer, OnFinding
    from diagnostics.sanitizer.capture.facts import Fact
    from diagnostics.sanitizer.output.display import Findings

__all__ = ["count_findings", "findings", "install", "problems", "uninstall", "watch"]


@contextlib.contextmanager
def watch(on_finding: OnFinding | None = None, *, log: bool = False) -> Iterator[Findings]:
    """Instruments the block.

    Args:
        on_finding: called with each root cause as soon as it is certain, and again if a leak becomes an error; in a
            thread of its own, or by the thread that ends the block. What it raises is logged, and the program goes on.
        log: whether the logger `diagnostics.sanitizer` logs each root cause: an error as ERROR, a leak as WARNING, a
            note as INFO. The record has it as `root_cause`.

    Yields:
        A list that is filled when the block ends, with the root causes as its `root_causes`.
    """
    from diagnostics.sanitizer.output.display import Findings, fill

    found = Findings()
    install()
    after = RECORDER.facts[-1].number if RECORDER.facts else 0
    announcers = _announcers(after, on_finding, log=log)
    try:
        yield found
    finally:
        # First the findings: if `uninstall` fails, they are there.
        fill(found, _report(after))
        for each in announcers:
            TRACKER.instruments.remove(each)
            each.finish()
        uninstall()


def _announcers(after: int, on_finding: OnFinding | None, *, log: bool) -> list[Announcer]:
    if on_finding is None and not log:
        return []
    from diagnostics.sanitizer import announcer

    wanted = [each for each in (announcer.log if log else None, on_finding) if each is not None]
    made = [announcer.Announcer(lambda: _since(after), each) for each in wanted]
    for each in made:
        TRACKER.instruments.add(each)
    return made


def findings(after: int = 0) -> Findings:
    """Returns the findings so far, with the root causes as `root_causes`.

    Args:
        after: number of the last fact to leave out.
    """
    from diagnostics.sanitizer.output.display import Findings, fill

    found = Findings()
    fill(found, _report(after))
    return found


def _report(after: int) -> Report:
    from diagnostics.sanitizer.analyze.evaluate import evaluate  # reads sources, which recording does not need
    from diagnostics.sanitizer.analyze.root_causes import group

    return group(evaluate(_since(after)), loaded_frameworks())


def _since(after: int) -> list[Fact]:
    return [fact for fact in list(RECORDER.facts) if fact.number > after]


def count_findings() -> list[tuple[str, str, int]]:
    """Returns the findings so far as `(kind, severity, count)`. Reads no source, so it is cheap."""
    from diagnostics.sanitizer.analyze.evaluate import counts

    return counts(RECORDER.facts)
