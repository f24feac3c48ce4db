"""Switching the watch on and off, and asking what it has seen."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from diagnostics.sanitizer.capture.detectors import DETECTORS
from diagnostics.sanitizer.capture.patching import Patches
from diagnostics.sanitizer.capture.recorder import RECORDER

if TYPE_CHECKING:
    from diagnostics.model.finding import Finding

_PATCHES = Patches(patch for patches in DETECTORS.values() for patch in patches)
_installs = 0
_at_fork = False


def install() -> None:
    """Starts watching this process; what was made before is not known. Counts: each needs its `uninstall`."""
    global _installs, _at_fork  # noqa: PLW0603 - a process is instrumented or it is not
    _installs += 1
    if _installs > 1:
        return
    RECORDER.on = True
    RECORDER.watch_collector(on=True)
    if not _at_fork and hasattr(os, "register_at_fork"):
        _at_fork = True  # it cannot be taken back
        os.register_at_fork(after_in_child=RECORDER.forked)
    _PATCHES.apply()


def uninstall() -> None:
    """Stops watching and takes every patch back."""
    global _installs  # noqa: PLW0603
    _installs = max(0, _installs - 1)
    if _installs:
        return
    RECORDER.on = False
    RECORDER.watch_collector(on=False)
    _PATCHES.take_back()


@contextlib.contextmanager
def watch() -> Iterator[list[Finding]]:
    """Watches what happens in the block; the list is filled when that ends."""
    found: list[Finding] = []
    install()
    after = RECORDER.facts[-1].number if RECORDER.facts else 0
    try:
        yield found
    finally:
        # Read off first: `uninstall` is the last thing that may fail here, and the findings are there by then.
        found.extend(findings(after))
        uninstall()


def findings(after: int = 0) -> list[Finding]:
    """What was seen so far, judged.

    Args:
        after: number of the last fact to leave out.
    """
    from diagnostics.sanitizer.analyze.evaluate import judge  # reads sources: not needed to watch

    return judge(fact for fact in list(RECORDER.facts) if fact.number > after)


def count_findings() -> list[tuple[str, str, int]]:
    """What was seen so far as `(kind, severity, count)`; reads no source, so it is cheap."""
    from diagnostics.sanitizer.analyze.evaluate import counts

    return counts(RECORDER.facts)


def problems() -> list[str]:
    """What is switched off because it failed, a line each."""
    import sys

    closed_loops = sys.modules.get("diagnostics.sanitizer.capture.closed_loops")
    return _PATCHES.problems + RECORDER.problems + list(getattr(closed_loops, "problems", ()))
