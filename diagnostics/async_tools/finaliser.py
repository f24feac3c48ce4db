"""Closes a loop's async generators one after the other, where asyncio closes all of them at once.

The hooks of a loop are replaced by its service, or by the first `LoopLocal.get` of a run of another loop, unless
somebody else has set some. aiohttp closes a stream's TLS connection without waiting for the peer, so with it a loop
may end first and leave the descriptor to the collector.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import itertools
import sys
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator
from types import FrameType
from typing import Any

from diagnostics.async_tools import limits, state
from diagnostics.async_tools.guard import _forget_unmade, _guard, _is_guard
from diagnostics.async_tools.state import _note_collection


class _Finaliser:
    """Finalises the async generators of a loop; those that go together, one after the other.

    A loop does it for all at once. One that is inside another is "already running" then, when the other one's cleanup
    comes to it, and that cleanup ends there. A streamed answer that nobody reads to its end is made so. Nor may the
    inner one go first, because a context manager that finds its generator ended fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._started: weakref.WeakKeyDictionary[AsyncGenerator[Any, Any], None] = weakref.WeakKeyDictionary()
        # Of those started inside another one: whether `LoopLocal` made that, and when. By identity: who is dropped has
        # lost its weak references.
        self._inner: dict[int, tuple[bool, int]] = {}
        self._number = itertools.count(1)
        self._dropped: deque[AsyncGenerator[Any, Any]] = deque()
        self._ending: asyncio.Task[None] | None = None  # the loop itself would hold it weakly
        if _note_collection not in gc.callbacks:
            gc.callbacks.append(_note_collection)
        self._at_end: AsyncGenerator[None, None] | None = None

    def set_hooks(self) -> None:
        """Takes from the loop what is started on this thread from now on, until the loop stops running."""
        sys.set_asyncgen_hooks(self._start, self._drop)

    async def take_over(self) -> None:
        """`set_hooks` for a loop that other code ends: finalising its generators calls `end_all`."""
        if self._at_end is None:
            self._at_end = self._call_at_end()
            await anext(self._at_end)  # before the hooks are set, so that the loop knows it
        self.set_hooks()

    async def _call_at_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self.end_all()
            _forget_unmade(self._loop)

    def _start(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._started[generator] = None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not frame.f_code.co_flags & inspect.CO_ASYNC_GENERATOR:
            frame = frame.f_back
        if frame is None:
            self._inner.pop(id(generator), None)
            return
        while frame is not None and frame.f_code is not _guard.__code__:
            frame = frame.f_back
        self._inner[id(generator)] = (frame is not None, next(self._number))
        if len(self._inner) > 2 * len(self._started) + limits.INNER_AT_LEAST:
            there = {id(each) for each in [*self._started, *self._dropped]}
            self._inner = {number: inner for number, inner in self._inner.items() if number in there}

    def _drop(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._started.pop(generator, None)
        if not self._loop.is_closed():
            self._dropped.append(generator)
            with contextlib.suppress(RuntimeError):  # closed since then
                self._loop.call_soon_threadsafe(self._end_dropped)  # the collector may run in any thread

    def _end_dropped(self) -> None:
        if self._dropped and self._ending is None:
            self._ending = self._loop.create_task(self._end_together())
            self._ending.add_done_callback(self._next)

    def _next(self, ended: asyncio.Task[None]) -> None:
        self._ending = None
        if not ended.cancelled():
            self._end_dropped()

    async def _end_together(self) -> None:
        await _collected()
        together = self._in_order(self._take_dropped())
        try:
            await self._end(together)
        finally:
            self._dropped.extend(together)  # what a cancellation left is for the end

    def _take_dropped(self) -> Iterator[AsyncGenerator[Any, Any]]:
        while self._dropped:  # another thread may be about to append: the deque stays the same one
            yield self._dropped.popleft()

    def _in_order(self, generators: Iterable[AsyncGenerator[Any, Any]]) -> deque[AsyncGenerator[Any, Any]]:
        """First those inside no other one, then those inside as they were started.

        Last comes what `LoopLocal` made, for that is what the others use, and what its factory needed for that.
        """

        def rank(generator: AsyncGenerator[Any, Any]) -> tuple[bool, int]:
            for_local, number = self._inner.get(id(generator), (False, 0))
            return for_local or _is_guard(generator), number

        return deque(sorted(generators, key=rank))

    async def _end(self, generators: deque[AsyncGenerator[Any, Any]], *, at_end: bool = False) -> None:
        while generators:
            # In a task of its own, so that one that hangs delays no other and its error stays its own. At the end of
            # the loop, what `LoopLocal` made has as long as it takes.
            task = self._loop.create_task(_finalise_generator(generators[0]))
            waits = at_end and _is_guard(generators[0])
            await asyncio.wait([task], timeout=None if waits else limits.INTERRUPT_GRACE)
            generators.popleft()

    async def end_all(self) -> None:
        """Finalises all that are open; of those inside no other one, the last one first."""
        await _collected()
        await self._settle()  # one that is at it may be outside of others
        await self._end(self._in_order([*self._take_dropped(), *reversed([*self._started])]), at_end=True)
        await self._settle()  # what those have let go of

    async def _settle(self) -> None:
        self._end_dropped()
        while self._ending is not None:
            await asyncio.wait([self._ending])


async def _collected() -> None:
    """Waits until a collection in another thread is over: what goes together is dropped one by one.

    Not for ever, because a finaliser in the midst of it may wait for this loop to end.
    """
    for _ in range(int(limits.INTERRUPT_GRACE / limits.COLLECTION_CHECK)):
        if state._collecting in (None, threading.get_ident()):
            break
        await asyncio.sleep(limits.COLLECTION_CHECK)


async def _finalise_generator(generator: AsyncGenerator[Any, Any]) -> None:
    # The sanitizer knows it by its name.
    await generator.aclose()
