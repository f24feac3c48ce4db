"""Notices Ctrl-C before the program does, without a frame of the sanitizer in the traceback that follows."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from typing import Any

from diagnostics.sanitizer.capture.patching import Patch, Patches


class _ObservedCall:
    """The `__call__` of an observed handler: observes when it is looked up, and returns the original to be called.

    So a traceback that begins in the original has no frame of the sanitizer.
    """

    def __get__(self, handler: Any, owner: type) -> Any:
        with contextlib.suppress(Exception):
            handler.observe()
        return handler.original


class ObservedHandler:
    """A handler whose calls are observed."""

    __slots__ = ("observe", "original")
    __call__ = _ObservedCall()

    def __init__(self, observe: Callable[[], None], original: Any) -> None:
        self.observe = observe
        self.original = original


class _ObservedMethod:
    """The same, as a method."""

    def __init__(self, observe: Callable[[], None], original: Any) -> None:
        self._observe = observe
        self._original = original

    def __get__(self, thing: Any, owner: type) -> Any:
        method = self._original.__get__(thing, owner)
        return method if thing is None else ObservedHandler(self._observe, method)


def at_interrupt(observe: Callable[[], None]) -> Callable[[], None]:
    """Calls `observe` at Ctrl-C, before the program's handler; the returned function undoes that.

    Python's own handler is replaced under its own name, because `asyncio.Runner` looks for that one. The handler that
    the runner installs is replaced too.
    """
    patches = Patches(
        [
            Patch(
                "asyncio.runners",
                "Runner",
                "_on_sigint",
                lambda method, _: _ObservedMethod(observe, method),
                optional=True,
            )
        ]
    )
    patches.apply()
    default = signal.default_int_handler
    handler: Any = ObservedHandler(observe, default)
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
