"""The patch for `__del__` of a client: what happens until it returns, and in tasks that it starts, is its doing."""

from __future__ import annotations

from typing import Any

from diagnostics.sanitizer.capture.patching import Patch, around
from diagnostics.sanitizer.capture.tracker import FINALIZER, TRACKER


def finalizer_started(client: Any) -> Any:
    """A `__del__` begins."""
    return TRACKER.finalizer_started(client)


def finalizer_ended(token: Any, _: Any) -> None:
    """A `__del__` returned or raised."""
    FINALIZER.reset(token)


def finalizers(module: str, *owners: str) -> list[Patch]:
    """Patches the `__del__` of classes that may have one."""
    build = around(finalizer_started, finalizer_ended)
    return [Patch(module, owner, "__del__", build, optional=True) for owner in owners]
