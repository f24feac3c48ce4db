"""Work that does not move the moment at which the garbage collector starts.

CPython starts a collection when so many more container objects were created than freed. The objects that the sanitizer
keeps of clients, connections and loops would move that moment, and with it the errors that depend on it: without this,
half of the scenarios lost theirs under a timeline. So the collector is disabled meanwhile, and for every object that
stays, one is freed that was created for this purpose before the program started. That is exact but for what is made of
CPython's free lists, which the collector does not count: the program finds fewer of those.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

from diagnostics.sanitizer.capture.sites import Stack, identified, identity, outermost

_Work = TypeVar("_Work", bound=Callable[..., Any])

BALLAST = 4000
"""Objects to free, 32 bytes each. When they are used up, kept objects count as the program's own."""


class _Ballast:
    """An object that the collector counts; with slots, because CPython has no free list for those."""

    __slots__ = ("empty",)


_ballast = [_Ballast() for _ in range(BALLAST)]


_at_work = False
"""Whether such work is being done: what it calls is part of it."""


def gc_neutral(work: _Work) -> _Work:
    """Decorates a function so that it does not move the moment at which the collector starts by itself."""
    return _neutral(work, sees_frames=True)


def gc_neutral_without_frames(work: _Work) -> _Work:
    """The same, at half the cost, for a function that looks at no frame."""
    return _neutral(work, sees_frames=False)


def _neutral(work: _Work, *, sees_frames: bool) -> _Work:
    def done(*args: Any, **kwargs: Any) -> Any:
        global _at_work  # noqa: PLW0603 - the collector is one for all threads
        if _at_work:
            return work(*args, **kwargs)
        running = gc.isenabled()
        gc.disable()
        _at_work = True
        try:
            if sees_frames:
                _make_frames(sys._getframe(1))
            count = gc.get_count()[0]
            try:
                return work(*args, **kwargs)
            finally:
                kept = gc.get_count()[0] - count
                if kept > 0:
                    del _ballast[-kept:]
        finally:
            _at_work = False
            if running:
                gc.enable()

    return done  # type: ignore[return-value]


def _make_frames(frame: FrameType | None) -> None:
    """Makes frames into objects, as looking at them does: each goes with its call, so it is not kept."""
    while frame is not None and (not outermost or id(frame.f_code) not in outermost):
        frame = frame.f_back


def gc_neutral_at(observe: Callable[[Any, FrameType, Stack], Any]) -> Callable[[Any], Any]:
    """Decorates an observer of loops so; it also gets the frame that calls the patched method, and its stack.

    Test suites have many loops. The frames that become objects are those of the stack, so they are looked at once.
    """

    def done(thing: Any) -> Any:
        running = gc.isenabled()
        gc.disable()
        try:
            frame = sys._getframe(2)
            key = identity(frame)
            count = gc.get_count()[0]
            try:
                return observe(thing, frame, identified(frame, key))
            finally:
                kept = gc.get_count()[0] - count
                if kept > 0:
                    del _ballast[-kept:]
        finally:
            if running:
                gc.enable()

    return done
