"""Where environments, and locks that are not committed, are kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def default_cache() -> Path:
    """`$DIAGNOSTICS_CACHE`, or the user's cache folder of this platform. Not created."""
    chosen = os.environ.get("DIAGNOSTICS_CACHE")
    return Path(chosen).absolute() if chosen else Path(platformdirs.user_cache_dir("event-loop-diagnostics"))
