"""nest_asyncio: asyncio patched so that a running loop can be entered again."""

from __future__ import annotations

import asyncio
import warnings

with warnings.catch_warnings():
    # It asks asyncio for the loop of a thread that has none, which asyncio has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import nest_asyncio

    nest_asyncio.apply()

from benchmarks.bridges.bridge import Bridge

BRIDGE = Bridge(bind=lambda work: lambda: asyncio.run(work()))
