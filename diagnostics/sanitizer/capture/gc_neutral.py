"""Work that leaves the collector's clock as it found it.

CPython starts a pass when so many more container objects were made than freed. What a log keeps would move that moment,
and with it the very thing that is being measured. So the collector is held meanwhile, and for every object that stays
one is freed that was made for this purpose before the program began.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, TypeVar

_Work = TypeVar("_Work", bound=Callable[..., Any])

WEIGHTS = 4000
"""Objects to free; each is 32 bytes. What comes after them counts as the program's own."""


class _Weight:
    """An object of no use that the collector counts; with slots, because CPython keeps none of those to use again."""

    __slots__ = ("empty",)


_weights = [_Weight() for _ in range(WEIGHTS)]


def steady(work: _Work) -> _Work:
    """A function that does not move the moment at which the collector starts by itself."""

    def done(*args: Any, **kwargs: Any) -> Any:
        running, count = gc.isenabled(), gc.get_count()[0]
        gc.disable()
        try:
            return work(*args, **kwargs)
        finally:
            for _ in range(min(gc.get_count()[0] - count, len(_weights))):
                _weights.pop()
            if running:
                gc.enable()

    return done  # type: ignore[return-value]
