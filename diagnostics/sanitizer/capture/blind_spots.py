"""What could not be seen in this process, a line each: a report that is silent about it would say too much."""

from __future__ import annotations

from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.session import problems

_OPAQUE = (
    "{kind}: its loops and sockets are no Python objects; not seen is who uses a loop of its after the end, a loop that"
    " only the collector ends, and a socket that is closed behind the back of its pool"
)


def blind_spots() -> list[str]:
    """Why silence is no proof here; empty where everything that is known of could be instrumented."""
    lines = [f"switched off: {problem}" for problem in problems()]
    lines += [_OPAQUE.format(kind=kind) for kind in sorted(RECORDER.opaque)]
    return lines
