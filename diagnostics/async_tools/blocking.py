"""The functions for sync code, all on one persistent loop for the whole process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Literal, overload

from diagnostics.async_tools.call import _close
from diagnostics.async_tools.persistent import PersistentLoop
from diagnostics.async_tools.state import InsideLoop, T, _thread
from diagnostics.async_tools.unawaited import _Unawaited

_DEFAULT = PersistentLoop()


@overload
def run_sync(
    awaitable: Awaitable[T], *, timeout: float | None = ..., inside_loop: Literal["block", "raise"] | None = ...
) -> T: ...


@overload
def run_sync(
    awaitable: Awaitable[T], *, timeout: float | None = ..., inside_loop: Literal["await"]
) -> Awaitable[T]: ...


@overload
def run_sync(
    awaitable: Awaitable[T], *, timeout: float | None = ..., inside_loop: InsideLoop | None
) -> T | Awaitable[T]: ...


def run_sync(
    awaitable: Awaitable[T], *, timeout: float | None = None, inside_loop: InsideLoop | None = None
) -> T | Awaitable[T]:
    """Runs a coroutine on the process's one persistent loop and returns its result.

    Where the caller's thread is inside another running loop (a notebook, an async web handler), `inside_loop` says what
    happens. The coroutine runs on the persistent loop all the same, so a shared client never changes its loop.

    - `"await"`: an awaitable of the result comes back at once; cancelling it cancels the coroutine and waits for its
      cleanup.
    - `"block"`: blocks, and that other loop with it, and returns the result.
    - `"raise"`: refuses.

    Without a choice it is `"await"`; any other use of the awaitable raises a TypeError with this advice, and if it is
    never awaited it warns. A type checker takes it for the result, which it is wherever no loop runs; with
    `inside_loop="await"` it knows that it is an awaitable.

    Args:
        awaitable: the coroutine, or whatever else can be awaited on the persistent loop.
        timeout: seconds after which the coroutine is cancelled; its cleanup may take longer.
        inside_loop: see above.

    Raises:
        RuntimeError: called from code that runs on the persistent loop itself, which would wait for itself; or inside
            another loop with `"raise"`; or at the interpreter's exit; or in a sub-interpreter.
        TimeoutError: the time was over (it is an `asyncio.TimeoutError` as well).
    """
    if asyncio is None:  # a finaliser calls, and this module's names are gone: free-threaded builds end in this order
        getattr(awaitable, "close", bool)()
        raise RuntimeError("the interpreter is exiting: no event loop can be started any more")
    if inside_loop not in ("await", "block", "raise", None):
        _close(awaitable)
        raise ValueError(f"inside_loop is 'await', 'block' or 'raise', not {inside_loop!r}")
    if inside_loop == "block" or asyncio._get_running_loop() is None:
        return _DEFAULT.run(awaitable, timeout)
    if inside_loop is None:
        name = getattr(awaitable, "__qualname__", type(awaitable).__name__)
        return _Unawaited(_DEFAULT._awaitable(awaitable, timeout), f"run_sync({name})")
    if inside_loop == "await":
        return _DEFAULT._awaitable(awaitable, timeout)
    if _thread.serves is _DEFAULT:
        _DEFAULT._refuse_own_thread(awaitable)
    _close(awaitable)
    raise RuntimeError("run_sync was called inside a running event loop: await the coroutine instead")


def shutdown() -> None:
    """Ends the process's persistent loop; runs by itself at exit. A later `run_sync` starts a new one."""
    _DEFAULT.shutdown()
