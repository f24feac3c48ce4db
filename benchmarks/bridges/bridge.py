"""What a bridge from sync to async code offers, in one shape for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

Work = Callable[[], Coroutine[Any, Any, Any]]
"""A coroutine function without arguments."""

Bind = Callable[[Work], Callable[[], Any]]
"""Makes a sync function of it."""


@dataclass(frozen=True)
class Bridge:
    """A way to run coroutines from sync code, used as its documentation says. `None` is: it has no such thing.

    Attributes:
        bind: makes a sync function that runs the work and returns its result.
        timed: runs the work with a limit in seconds.
        iterate: an iterator over what an async generator function yields.
        decorate: a sync function from a coroutine function.
        with_loop: a `bind` on loops that a factory makes.
        close: ends the bridge, where that is the program's duty.
        keep: given how to make an object and how to close it, a coroutine function that gives the running loop's own.
    """

    bind: Bind
    timed: Callable[[Work, float], Any] | None = None
    iterate: Callable[[Callable[[], AsyncIterator[Any]]], Iterator[Any]] | None = None
    decorate: Callable[[Callable[..., Coroutine[Any, Any, Any]]], Callable[..., Any]] | None = None
    with_loop: Callable[[Callable[[], asyncio.AbstractEventLoop]], Bind] | None = None
    close: Callable[[], None] | None = None
    keep: Callable[[Callable[[], Any], Callable[[Any], Coroutine[Any, Any, None]]], Work] | None = None

    def call(self, work: Work) -> Any:
        """Runs the work and returns its result."""
        return self.bind(work)()
