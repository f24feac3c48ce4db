"""What the whole process shares: which loops exist, which thread serves which, and what exit and a fork do to them.

The names that change are read as `state.NAME`. A `from` import would keep the value of the moment of the import.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, Literal, ParamSpec, TypeVar

from diagnostics.async_tools import limits

T = TypeVar("T")


P = ParamSpec("P")


InsideLoop = Literal["await", "block", "raise"]


_interpreters: Any = None
for _name in ("_xxsubinterpreters", "_interpreters"):  # until Python 3.12, from 3.13
    with contextlib.suppress(ImportError):
        _interpreters = importlib.import_module(_name)


_MISSING: Any = object()


_PERSISTENT: weakref.WeakSet[Any] = weakref.WeakSet()


_LOCALS: weakref.WeakSet[Any] = weakref.WeakSet()


_main_thread = threading.main_thread().ident


def _alive(objects: weakref.WeakSet[T]) -> list[T]:
    """Those that are there, while other threads add some: to go through the set itself fails then."""
    references = list(vars(objects)["data"])
    return [each for reference in references if (each := reference()) is not None]


class _Thread(threading.local):
    serves: object = None  # the loop whose thread this is


_thread = _Thread()


_collecting: int | None = None  # the thread that the collector is at work in


def _note_collection(phase: str, _: dict[str, int], ident: Callable[[], int] = threading.get_ident) -> None:
    """For `gc.callbacks`, which are called to the last; this module's names may be gone by then."""
    global _collecting  # noqa: PLW0603
    _collecting = ident() if phase == "start" else None


_exiting = False


_exits_in = 0  # the child of multiprocessing that has registered


def _refuse_where_no_loop_can_run() -> None:
    global _exits_in  # noqa: PLW0603
    if _exiting or sys.is_finalizing():
        raise RuntimeError("the interpreter is exiting: no event loop can be started any more")
    if _interpreters is not None and _interpreters.get_current() != _interpreters.get_main():
        raise RuntimeError("a sub-interpreter has no daemon threads: use run_sync in the main interpreter")
    # Children of multiprocessing clear what their parent had registered, and forked ones do not call atexit's handlers
    # before Python 3.13.
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None and _exits_in != os.getpid():
        _exits_in = os.getpid()
        atexit.register(_at_exit)
        sys.modules["multiprocessing.util"].Finalize(None, _at_exit, exitpriority=0)


def _at_exit() -> None:
    global _exiting  # noqa: PLW0603
    _exiting = True
    for persistent in _alive(_PERSISTENT):
        persistent.shutdown(limits.EXIT_GRACE)


def _after_fork() -> None:
    global _main_thread, _collecting  # noqa: PLW0603
    _main_thread = threading.get_ident()
    _collecting = None
    _thread.serves = None
    for persistent in _alive(_PERSISTENT):
        persistent._in_child()
    for local in _alive(_LOCALS):
        local._in_child()


atexit.register(_at_exit)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
