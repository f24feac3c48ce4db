"""Work that does not move the moment at which the garbage collector starts.

CPython starts a collection when so many more container objects were created than freed. The objects that a timeline
keeps would move that moment, and with it the errors that the timeline is to show: without this, half of the scenarios
lost theirs. So the collector is disabled meanwhile, and for every object that stays, one is freed that was created for
this purpose before the program started.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, TypeVar

_Work = TypeVar("_Work", bound=Callable[..., Any])

BALLAST = 4000
"""Objects to free, 32 bytes each. When they are used up, kept objects count as the program's own."""


class _Ballast:
    """An object that the collector counts; with slots, because CPython has no free list for those."""

    __slots__ = ("empty",)


_ballast = [_Ballast() for _ in range(BALLAST)]


def gc_neutral(work: _Work) -> _Work:
    """Decorates a function so that it does not move the moment at which the collector starts by itself."""

    def done(*args: Any, **kwargs: Any) -> Any:
        running, count = gc.isenabled(), gc.get_count()[0]
        gc.disable()
        try:
            return work(*args, **kwargs)
        finally:
            kept = gc.get_count()[0] - count
            if kept > 0:
                del _ballast[-kept:]
            if running:
                gc.enable()

    return done  # type: ignore[return-value]
