"""asgiref's `async_to_sync`."""

from __future__ import annotations

from asgiref.sync import async_to_sync

from benchmarks.bridges.bridge import Bridge

BRIDGE = Bridge(bind=async_to_sync, decorate=async_to_sync)
