"""The public functions: instrument a process, and read its findings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagnostics.sanitizer.capture.installation import install, problems, uninstall
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.sites import loaded_frameworks

if TYPE_CHECKING:
    from diagnostics.model.finding import Finding

__all__ = ["count_findings", "findings", "install", "problems", "uninstall", "watch"]


@contextlib.contextmanager
def watch() -> Iterator[list[Finding]]:
    """Instruments the block; the list is filled when the block ends."""
    found: list[Finding] = []
    install()
    after = RECORDER.facts[-1].number if RECORDER.facts else 0
    try:
        yield found
    finally:
        # First the findings: if `uninstall` fails, they are there.
        found.extend(findings(after))
        uninstall()


def findings(after: int = 0) -> list[Finding]:
    """Returns the findings so far.

    Args:
        after: number of the last fact to leave out.
    """
    from diagnostics.sanitizer.analyze.evaluate import evaluate  # reads sources, which recording does not need
    from diagnostics.sanitizer.analyze.root_causes import group

    found = evaluate(fact for fact in list(RECORDER.facts) if fact.number > after)
    return group(found, loaded_frameworks()).findings


def count_findings() -> list[tuple[str, str, int]]:
    """Returns the findings so far as `(kind, severity, count)`. Reads no source, so it is cheap."""
    from diagnostics.sanitizer.analyze.evaluate import counts

    return counts(RECORDER.facts)
