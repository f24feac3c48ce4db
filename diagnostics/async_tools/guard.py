"""The async generator that closes what `LoopLocal` made.

Every proper end of a loop (`asyncio.run`, `asyncio.Runner`, `PersistentLoop`) calls `loop.shutdown_asyncgens`, and it
is the only thing that all of them do while the loop still runs. So each object is closed by the `finally` of a
generator.
"""

from __future__ import annotations

import asyncio
import functools
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from diagnostics.async_tools.state import _LOCALS, T, _alive


async def _guard(
    local: weakref.ref[Any], factory: Callable[[], Any], close: Callable[[T], object] | None
) -> AsyncGenerator[T, None]:
    value = factory()
    if isinstance(value, Awaitable):  # a coroutine, or a pool that is ready once it was awaited
        value = await value
    end = _closer(value) if close is None else functools.partial(close, value)
    try:
        yield value
    finally:
        owner = local()
        if owner is not None:
            owner._slots.pop(asyncio.get_running_loop(), None)
        del owner
        ended = end()
        if isinstance(ended, Awaitable):
            await ended


_CLOSERS = ("aclose", "close", "dispose", "disconnect", "stop")


def _closer(value: Any) -> Callable[[], object]:
    # On the class: some clients answer to every name, as Motor's do with a database.
    name = next((each for each in _CLOSERS if callable(getattr(type(value), each, None))), None)
    end: Callable[[], object] = getattr(value, name) if name else getattr(value, "aclose", None) or value.close
    return end


def _is_guard(generator: AsyncGenerator[Any, Any]) -> bool:
    return getattr(generator, "ag_code", None) is _guard.__code__


def _forget_unmade(loop: asyncio.AbstractEventLoop) -> None:
    """The slots of an ending loop whose factory has failed."""
    for local in _alive(_LOCALS):
        slot = local._slots.get(loop)
        if slot is not None and slot.made is None:
            local._slots.pop(loop, None)
