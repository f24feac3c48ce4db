"""synchronicity's `Synchronizer`."""

from __future__ import annotations

from synchronicity import Synchronizer

from benchmarks.bridges.bridge import Bridge

_SYNCHRONIZER = Synchronizer()

BRIDGE = Bridge(
    bind=_SYNCHRONIZER.wrap,
    iterate=lambda function: _SYNCHRONIZER.wrap(function)(),
    decorate=_SYNCHRONIZER.wrap,
)
