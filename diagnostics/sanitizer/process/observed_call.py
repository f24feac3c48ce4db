"""Functions that are observed or replaced, and look as before."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any


class _Call:
    """Observes when `__call__` is looked up; returns what is called, so no traceback has a frame of the sanitizer."""

    def __get__(self, call: Any, owner: type) -> Any:
        if call is None:
            return self
        if call._observe is not None:
            with contextlib.suppress(Exception):
                call._observe()
        return call._called


class ObservedCall:
    """Stands for a function whose calls are observed.

    Args:
        observe: called before the function; `None` for nothing.
        original: the function.
        called: what is called in its place, and is in the traceback of an error.
    """

    __slots__ = ("_called", "_observe", "_original")
    __call__ = _Call()

    def __init__(self, observe: Callable[[], None] | None, original: Any, called: Any = None) -> None:
        self._observe = observe
        self._original = original
        self._called = called or original

    def __getattribute__(self, name: str) -> Any:
        own = name in ("_called", "_observe", "_original", "__reduce_ex__")
        return object.__getattribute__(self, name) if own else getattr(self._original, name)

    def __repr__(self) -> str:
        return repr(self._original)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._original.__reduce_ex__(protocol)  # its name: for that, the name must lead here


# `pydoc` reads it past `__getattribute__`.
ObservedCall.__doc__ = property(lambda call: call._original.__doc__)  # type: ignore[assignment]


class ObservedMethod:
    """The same, as a method."""

    def __init__(self, observe: Callable[[], None], original: Any) -> None:
        self._observe = observe
        self._original = original

    def __get__(self, thing: Any, owner: type) -> Any:
        method = self._original.__get__(thing, owner)
        return method if thing is None else ObservedCall(self._observe, method)


def replace(module: Any, name: str, call: ObservedCall) -> None:
    """Replaces a function of a module, also where pickle looks for it."""
    for owner in (module, sys.modules.get(call.__module__)):
        if owner is not None:
            setattr(owner, name, call)
