"""A process that ends when its parent does, however that ends (Linux)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable


def _death_signal() -> Callable[[], object] | None:
    """Asks the kernel for SIGKILL at the parent's death; `None` where it cannot be asked. Looked up before any fork."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        import ctypes

        prctl = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return None
    return lambda: prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG; kept across exec


_DEATH_SIGNAL = _death_signal()


def end_with(parent: int) -> None:
    """Makes this process, a child, end when its parent does, however that ends."""
    if _DEATH_SIGNAL is not None:
        _DEATH_SIGNAL()
    if os.getppid() != parent:  # the parent ended before this request
        os._exit(1)
