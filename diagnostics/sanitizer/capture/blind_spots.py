"""What the sanitizer cannot see in this process, so that a report without findings does not promise too much."""

from __future__ import annotations

import sys

from diagnostics.model.libraries import LIBRARIES
from diagnostics.sanitizer.capture.foreign_futures import unseen
from diagnostics.sanitizer.capture.installation import problems
from diagnostics.sanitizer.capture.tracker import TRACKER

_OPAQUE = (
    "{kind}: its loops and sockets are not Python objects. Not reported: use of its loops after they close or from"
    " other threads, loops that only the collector closes, servers, child processes, connections of other libraries"
    " than httpx and aiohttp, and sockets that are closed without their pool knowing"
)

_TRIO = (
    "trio: it runs without a loop of asyncio. Not reported: clients left open and connections used in another run than"
    " they were opened in, as with `trio.run`"
)

_ELSEWHERE = "{library}: its connections are not transports of asyncio. Not reported: {what}"


def blind_spots() -> list[str]:
    """Returns one line for each blind spot; empty if everything that is known could be instrumented."""
    lines = [f"switched off after an error: {problem}" for problem in problems()]
    lines += unseen() + TRACKER.budget.blind_spots()
    lines += [_TRIO if kind == "trio" else _OPAQUE.format(kind=kind) for kind in sorted(TRACKER.opaque)]
    lines += [_ELSEWHERE.format(library=name, what=what) for name, what in sorted(_elsewhere().items())]
    return lines


def _elsewhere() -> dict[str, str]:
    forked = dict.fromkeys(TRACKER.elsewhere, "their use after a fork") if TRACKER.generation else {}
    return forked | {row.module: row.unseen for row in LIBRARIES.values() if row.unseen and row.module in sys.modules}
