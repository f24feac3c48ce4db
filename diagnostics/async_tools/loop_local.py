"""`LoopLocal`: one object for each event loop."""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Generic, overload

from diagnostics.async_tools.finaliser import _Finaliser
from diagnostics.async_tools.guard import _guard
from diagnostics.async_tools.state import _LOCALS, T, _alive


class _Slot(Generic[T]):
    """The place of one loop's object, whether it is made already or not."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.made: tuple[T, AsyncGenerator[T, None]] | None = None
        self.finaliser: _Finaliser | None = None


class LoopLocal(Generic[T]):
    """One object (a client) for each event loop, made on first use there and closed there before that loop closes.

    `await clients.get()` inside a loop; from sync code, `run_sync(clients.get())` is the persistent loop's object.

    The closing rides on an async generator: `asyncio.run`, `asyncio.Runner` and `PersistentLoop` all finalise those of
    a loop while it still runs. Those that are started after the first `get` of a run, half-read streams of the client
    among them, go before it and one after the other, not all at once as asyncio has it.

    A loop that is closed by hand, without `loop.shutdown_asyncgens()`, closes nothing: its object is kept, unclosed, as
    long as this `LoopLocal`, for a collector that came upon it would touch its connections from another loop. A
    `LoopLocal` that is dropped has its objects closed, each on its own loop if that still runs. A forked child makes
    its own.

    Args:
        factory: makes the object, or something to await for it; called inside the running loop.
        close: closes it, or gives a coroutine that does, on the same loop; without it the first of `aclose`, `close`,
            `dispose`, `disconnect` and `stop` that the class has.

    Examples:
        `LoopLocal(lambda: asyncpg.create_pool(DSN))`, `LoopLocal(lambda: redis.asyncio.Redis(port=6379))`,
        `LoopLocal(lambda: create_async_engine(URL))`.
    """

    @overload
    def __init__(
        self, factory: Callable[[], Coroutine[Any, Any, T]], close: Callable[[T], object] | None = None
    ) -> None: ...
    @overload
    def __init__(self, factory: Callable[[], T], close: Callable[[T], object] | None = None) -> None: ...
    def __init__(self, factory: Callable[[], Any], close: Callable[[T], object] | None = None) -> None:
        self._factory = factory
        self._close = close
        self._inherited: list[object] = []
        self._slots: dict[asyncio.AbstractEventLoop, _Slot[T]] = {}
        _LOCALS.add(self)

    def _in_child(self) -> None:
        self._inherited.append(self._slots)  # kept, or the collector would end the parent's connections
        self._slots = {}

    async def get(self) -> T:
        """The running loop's object. Tasks that ask at once get the same one; a factory that failed is tried again."""
        loop = asyncio.get_running_loop()
        slot = self._slots.get(loop) or self._slots.setdefault(loop, _Slot())
        hooked = getattr(sys.get_asyncgen_hooks().firstiter, "__self__", None)
        if hooked is loop:  # not ours yet, nor anybody else's
            slot.finaliser = _finaliser_of(loop)
            await slot.finaliser.take_over()
        elif isinstance(hooked, _Finaliser):
            slot.finaliser = hooked
        if slot.made is None:
            async with slot.lock:
                if slot.made is None:
                    guard = _guard(weakref.ref(self), self._factory, self._close)
                    slot.made = (await anext(guard), guard)
        return slot.made[0]


def _finaliser_of(loop: asyncio.AbstractEventLoop) -> _Finaliser:
    for local in _alive(_LOCALS):
        slot: _Slot[Any] | None = local._slots.get(loop)
        if slot is not None and slot.finaliser is not None:
            return slot.finaliser
    return _Finaliser(loop)
