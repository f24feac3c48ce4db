"""What the sanitizer cannot see in this process, so that a report without findings does not promise too much."""

from __future__ import annotations

from diagnostics.sanitizer.capture.foreign_futures import unseen
from diagnostics.sanitizer.capture.installation import problems
from diagnostics.sanitizer.capture.tracker import TRACKER

_OPAQUE = (
    "{kind}: its loops and sockets are not Python objects. Not reported: use of its loops after they close, loops that"
    " only the collector closes, sockets that are closed without their pool knowing, and programs that its loops start"
)


def blind_spots() -> list[str]:
    """Returns one line for each blind spot; empty if everything that is known could be instrumented."""
    lines = [f"switched off after an error: {problem}" for problem in problems()]
    lines += unseen()
    lines += [_OPAQUE.format(kind=kind) for kind in sorted(TRACKER.opaque)]
    return lines
