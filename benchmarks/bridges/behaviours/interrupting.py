"""Ctrl-C as a person presses it: while the main thread waits, not a moment before."""

from __future__ import annotations

import asyncio
import linecache
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Final

LOOK_EVERY: Final = 0.01
"""Seconds between two looks at what the main thread does."""

AGAIN_AFTER: Final = 1.0
"""Seconds after which Ctrl-C is pressed again if the main thread has not moved.

Python loses a signal that comes in the instant between its last look for signals and its wait in C.
"""

Moment = tuple[tuple[str, int], ...]
"""Where a thread is: file and line of each of its frames, innermost first."""


def interrupt_waiting_main() -> None:
    """Sends SIGINT as soon as the main thread waits for this call, from the loop that it runs on.

    A bridge that waits for another thread's loop has first to tell that loop of the call, and may be interrupted
    there, before it waits: what it does then is not what a person sees who presses Ctrl-C later.
    """
    if threading.current_thread() is threading.main_thread():
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
    else:
        threading.Thread(target=_interrupt_once_it_waits, daemon=True).start()


def _interrupt_once_it_waits() -> None:
    before: Moment = ()
    now = _main_thread()
    while now != before or not waits(now):
        time.sleep(LOOK_EVERY)
        before, now = now, _main_thread()
    while True:
        os.kill(os.getpid(), signal.SIGINT)
        again = time.monotonic() + AGAIN_AFTER
        while _main_thread() == now and time.monotonic() < again:
            time.sleep(LOOK_EVERY)
        if _main_thread() != now:
            return


def waits(moment: Moment) -> bool:
    """Whether a thread that is there waits for a lock: everything that Python waits for, but a socket, ends in one."""
    return bool(moment) and ".acquire(" in linecache.getline(*moment[0])


def _main_thread() -> Moment:
    frame: FrameType | None = sys._current_frames().get(threading.main_thread().ident or 0)
    found: list[tuple[str, int]] = []
    while frame is not None:
        found.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return tuple(found)
