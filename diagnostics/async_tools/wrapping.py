"""`to_sync` and the iterator that it returns for async generators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Literal, overload

from diagnostics.async_tools.blocking import run_sync
from diagnostics.async_tools.state import _MISSING, InsideLoop, P, T

_Sync = Literal["block", "raise"] | None


class SyncIterator(Iterator[T]):
    """An async iterator for sync code: each item is pulled on the persistent loop.

    `close` runs the generator's cleanup there, and so does dropping it. Inside a running loop it can be used by `async
    for`; a plain `for` blocks that loop and is refused unless `inside_loop` is `"block"`.
    """

    def __init__(self, items: AsyncIterator[T], timeout: float | None, inside_loop: InsideLoop | None) -> None:
        self._items = items
        self._timeout = timeout
        self._inside_loop: Literal["block", "raise"] = "block" if inside_loop == "block" else "raise"

    # The generator is touched on the loop only, or it would not be that loop's to finalise.
    async def _pull(self) -> T:
        return await anext(self._items, _MISSING)

    async def _end(self) -> None:
        end = getattr(self._items, "aclose", None)
        if end is not None:
            await end()

    def __next__(self) -> T:
        item = run_sync(self._pull(), timeout=self._timeout, inside_loop=self._inside_loop)
        if item is _MISSING:
            raise StopIteration
        return item

    def __aiter__(self) -> SyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        item = await run_sync(self._pull(), timeout=self._timeout, inside_loop="await")
        if item is _MISSING:
            raise StopAsyncIteration
        return item

    def close(self) -> None:
        """Ends the generator; its cleanup has run when this returns."""
        run_sync(self._end(), inside_loop="block")


@overload
def to_sync(
    function: Callable[P, Awaitable[T]], *, timeout: float | None = ..., inside_loop: Literal["await"]
) -> Callable[P, Awaitable[T]]: ...


@overload
def to_sync(
    function: classmethod[Any, P, Coroutine[Any, Any, T]], *, timeout: float | None = ..., inside_loop: _Sync = ...
) -> classmethod[Any, P, T]: ...


@overload
def to_sync(
    function: staticmethod[P, Coroutine[Any, Any, T]], *, timeout: float | None = ..., inside_loop: _Sync = ...
) -> staticmethod[P, T]: ...


@overload
def to_sync(
    function: Callable[P, AsyncIterator[T]], *, timeout: float | None = ..., inside_loop: _Sync = ...
) -> Callable[P, SyncIterator[T]]: ...


@overload
def to_sync(
    function: Callable[P, Awaitable[T]], *, timeout: float | None = ..., inside_loop: _Sync = ...
) -> Callable[P, T]: ...


@overload
def to_sync(
    *, timeout: float | None = ..., inside_loop: Literal["await"]
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]: ...


@overload
def to_sync(
    *, timeout: float | None = ..., inside_loop: _Sync = ...
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, T]]: ...


def to_sync(function: Any = None, *, timeout: float | None = None, inside_loop: InsideLoop | None = None) -> Any:
    """Makes an async function callable from sync code, by `run_sync`; an async generator function gives an iterator.

    Signature, name and documentation stay. A method, `classmethod` or `staticmethod` may be decorated, in either order,
    with arguments (`@to_sync(inside_loop="block")`) or without.

    Args:
        function: the async function; without it, a decorator is returned.
        timeout: seconds for each call, or for each item of an iterator.
        inside_loop: as for `run_sync`.
    """
    if function is None:
        return functools.partial(to_sync, timeout=timeout, inside_loop=inside_loop)
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(to_sync(function.__func__, timeout=timeout, inside_loop=inside_loop))

    may_iterate = not inspect.iscoroutinefunction(function)

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        result = function(*arguments, **keywords)
        if may_iterate and hasattr(result, "__anext__"):
            return SyncIterator(result, timeout, inside_loop)
        return run_sync(result, timeout=timeout, inside_loop=inside_loop)

    return call
