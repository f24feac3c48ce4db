"""Instruments this process and restores it."""

from __future__ import annotations

import gc
import os
from _thread import get_ident

from diagnostics.sanitizer.capture import foreign_futures
from diagnostics.sanitizer.capture.budget import Budget
from diagnostics.sanitizer.capture.detectors import DETECTORS
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.patching import Patches
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.capture.transport_use import instrument_open_loops

_PATCHES = Patches(patch for patches in DETECTORS.values() for patch in patches)
_installs = 0
_at_fork = False


@gc_neutral
def install() -> None:
    """Instruments this process. What was created before is unknown. Each call needs its own `uninstall`.

    Forgets what was found before the last `uninstall`, so that a service that is watched now and then does not grow.
    """
    global _installs, _at_fork  # noqa: PLW0603 - a process is instrumented or it is not
    _installs += 1
    if _installs > 1:
        return
    TRACKER.on, TRACKER.home = True, get_ident()
    TRACKER.budget = Budget(TRACKER.instruments)
    RECORDER.facts.clear()
    TRACKER.instruments.add(RECORDER)
    if TRACKER.collector not in gc.callbacks:
        gc.callbacks.append(TRACKER.collector)
    if not _at_fork and hasattr(os, "register_at_fork"):
        _at_fork = True  # Python cannot unregister it
        os.register_at_fork(after_in_child=_forked)
    _PATCHES.apply()
    foreign_futures.start()


def _forked() -> None:
    """Starts over in a child; what the parent has open reports its use."""
    TRACKER.forked()
    if TRACKER.on:
        instrument_open_loops(TRACKER.open_loops())


def uninstall() -> None:
    """Stops recording and restores everything that was patched."""
    global _installs  # noqa: PLW0603
    _installs = max(0, _installs - 1)
    if _installs:
        return
    TRACKER.on = False
    if TRACKER.collector in gc.callbacks:
        gc.callbacks.remove(TRACKER.collector)
    _PATCHES.restore()
    foreign_futures.stop()
    TRACKER.instruments.remove(RECORDER)


def problems() -> list[str]:
    """Returns what was switched off because it failed, one line each."""
    return _PATCHES.problems + TRACKER.problems + TRACKER.instruments.problems
