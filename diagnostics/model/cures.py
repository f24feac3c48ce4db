"""Which fix to suggest: one ranking for `run`, `explain`, `repro`, `diagnose` and the reports.

The order is what the sample run of the repository measured: first the fixes that remove the error wherever it is, then
those that remove it only where one client is kept, then those that at best hide it. Within a group it is how much a
program has to change. A report of other measurements ranks by those, and falls back on this order.
"""

from __future__ import annotations

from typing import Final

from diagnostics.model.cell import BASELINE

NARROW: Final = ("single-run", "runner", "global-loop")
"""The fixes that remove the error only where the program keeps one client."""

RANKING: Final = (
    *("context-manager", "explicit-close", "background-loop", "client-per-loop", "no-keepalive", "sync-client"),
    *NARROW,
    *("instance-loop", "never-close", "aiohttp-transport"),
)
"""Every fix of the matrix, the best first."""

_CURES: Final = {
    "client-left-open": ("context-manager", "explicit-close", "background-loop", "client-per-loop"),
    "cross-loop-use": ("context-manager", "background-loop", "client-per-loop", "single-run"),
    "cross-loop-close": ("context-manager", "background-loop", "client-per-loop"),
    "use-after-loop-close": ("context-manager", "single-run"),
    "duplicate-request": ("context-manager", "background-loop", "client-per-loop", "single-run"),
    "stuck-waiter": ("context-manager", "background-loop", "client-per-loop", "single-run"),
    "loop-closed-by-gc": ("single-run", "runner"),
    "unclosed-at-exit": ("context-manager", "explicit-close"),
}


def rank(fix: str | None) -> int:
    """Returns the place of a fix: no fix and the baseline come first, and what no committed run has measured last."""
    if fix in (None, BASELINE):
        return -1
    return RANKING.index(fix) if fix in RANKING else len(RANKING)


def cures(kind: str) -> tuple[str, ...]:
    """Returns the fixes that end a kind of finding, the best first; empty where it takes another sort of change."""
    return tuple(sorted(_CURES.get(kind, ()), key=rank))
