"""Ctrl-C, seen before the program sees it, without a frame of this package in the traceback that follows."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from typing import Any

from diagnostics.sanitizer.capture.patching import Patch, Patches


class _Then:
    """The `__call__` of what follows: observes when it is looked up, and hands out the original to be called.

    So a traceback that begins in the original has no frame of ours.
    """

    def __get__(self, told: Any, owner: type) -> Any:
        with contextlib.suppress(Exception):
            told.observe()
        return told.original


class _Told:
    """A handler that tells of its call."""

    __slots__ = ("observe", "original")
    __call__ = _Then()

    def __init__(self, observe: Callable[[], None], original: Any) -> None:
        self.observe = observe
        self.original = original


class _ToldMethod:
    """The same as a method."""

    def __init__(self, observe: Callable[[], None], original: Any) -> None:
        self._observe = observe
        self._original = original

    def __get__(self, thing: Any, owner: type) -> Any:
        method = self._original.__get__(thing, owner)
        return method if thing is None else _Told(self._observe, method)


def at_interrupt(observe: Callable[[], None]) -> Callable[[], None]:
    """Has `observe` called when Ctrl-C comes, before the program sees it; the result takes that back.

    Python's own handler is replaced under its own name, because `asyncio.Runner` asks for that one; and so is the one
    that the runner puts in its place.
    """
    patches = Patches(
        [
            Patch(
                "asyncio.runners", "Runner", "_on_sigint", lambda method, _: _ToldMethod(observe, method), optional=True
            )
        ]
    )
    patches.apply()
    default = signal.default_int_handler
    handler: Any = _Told(observe, default)
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is default
    if ours:
        signal.default_int_handler = handler
        signal.signal(signal.SIGINT, handler)

    def restore() -> None:
        patches.restore()
        if signal.default_int_handler is handler:
            signal.default_int_handler = default
        if ours and signal.getsignal(signal.SIGINT) is handler:
            signal.signal(signal.SIGINT, default)

    return restore
