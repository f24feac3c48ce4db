"""asyncer's `syncify`, from a thread that anyio did not start."""

from __future__ import annotations

import asyncer

from benchmarks.bridges.bridge import Bridge

BRIDGE = Bridge(
    bind=lambda work: asyncer.syncify(work, raise_sync_error=False),
    decorate=lambda function: asyncer.syncify(function, raise_sync_error=False),
)
