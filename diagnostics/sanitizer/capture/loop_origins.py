"""What a loop is created for, by the frames that create it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Final

from diagnostics.sanitizer.capture.holders import local, locals_of
from diagnostics.sanitizer.capture.sites import Stack, in_stdlib, is_ours, is_outermost, is_users

_CLOSURE: Final = 0x10  # inspect.CO_NESTED
_ARGUMENTS: Final = 0x04 | 0x08  # inspect.CO_VARARGS, inspect.CO_VARKEYWORDS

_STDLIB: Final = "stdlib"
_OTHER: Final = "other"
_RUNNER: Final = "pytest plugin"
_PORTAL: Final = "portal"
_KNOWN_AT_MOST: Final = 4096

_kinds: dict[str, str] = {}
"""By file: `_STDLIB` for what tells nothing, `_OTHER` for packages and programs, or what creates loops there."""

_askers: list[Callable[[], str | None]] = []
"""Functions of a test runner that say the scope of the fixture it sets up in this thread, without a look at a frame."""

_origins: dict[int, tuple[Stack, int | None, str]] = {}
"""Keyed by id: stacks that tell all but what one frame says, how many frames further that is, and the purpose.

A test runner creates a loop for each test, always at the same lines.
"""


def origin(frame: FrameType, stack: Stack) -> tuple[Stack, str]:
    """Returns the stack of a loop, with the coroutine that a thread runs on it, and what the loop is created for.

    Args:
        frame: that creates the loop.
        stack: captured there.
    """
    known = _origins.get(id(stack))
    if known is None:
        return _examined(frame, stack)
    _, distance, purpose = known
    if distance is not None:
        scope = _askers[-1]() if _askers else _scope_at(frame, distance)
        if scope is None:
            return _examined(frame, stack)
        purpose = f"{scope} scope"
    return stack, purpose


def ask(scope: Callable[[], str | None]) -> None:
    """Asks a test runner for the scope of a loop that it creates."""
    _askers.append(scope)


def ask_no_more(scope: Callable[[], str | None]) -> None:
    """Takes that back."""
    _askers.remove(scope)


def _scope_at(frame: FrameType | None, distance: int) -> str | None:
    for _ in range(distance):
        frame = frame and frame.f_back
    return None if frame is None else _scope(frame)


def _examined(frame: FrameType, stack: Stack) -> tuple[Stack, str]:
    purpose, distance = _purpose(frame)
    extended = stack + _runs_in_thread(frame)
    if any(_kind_of(code.co_filename) != _STDLIB for code in stack[::2]) and not purpose.startswith(_PORTAL):
        if len(_origins) >= _KNOWN_AT_MOST:
            _origins.clear()
        _origins[id(stack)] = (stack, distance, purpose)
    return extended, purpose


def _runs_in_thread(frame: FrameType | None) -> Stack:
    """The coroutine that `asyncio.run` was given, where a thread runs nothing else: no frame says whose loop that is.

    A coroutine of a library counts only if it is a closure without arguments, which a library makes to run it there. A
    person may give `asyncio.run` any other coroutine of a library.
    """
    code = None
    while frame is not None:
        file = frame.f_code.co_filename
        if _kind_of(file) != _STDLIB:
            return ()
        if frame.f_code.co_name == "run" and file.replace("\\", "/").endswith("asyncio/runners.py"):
            names = locals_of(frame)
            code = getattr(names.get("main", names.get("coro")), "cr_code", code)
        frame = frame.f_back
    if code is None:
        return ()
    made_for_it = code.co_flags & _CLOSURE and not (code.co_argcount or code.co_flags & _ARGUMENTS)
    return (code, 0) if is_users(code.co_filename) or made_for_it else ()


def _purpose(frame: FrameType | None) -> tuple[str, int | None]:
    """Tells what a loop is created for, where a test runner or a portal creates it: the scope of its fixture, say.

    Returns:
        The purpose, and how many frames further the one is whose variables say it, if one does.
    """
    distance = 0
    while frame is not None:
        code = frame.f_code
        kind = _kind_of(code.co_filename)
        if kind == _PORTAL:
            return "portal of TestClient" if "starlette.testclient" in sys.modules else kind, None
        if kind == _RUNNER:
            scope = _scope(frame)
            if scope is not None:
                return f"{scope} scope", distance
            if code.co_name.startswith("pytest_"):
                return kind, None
        elif kind not in (_STDLIB, _OTHER):
            return kind, None
        frame = None if is_outermost(code) else frame.f_back
        distance += 1
    return "", None


def _scope(frame: FrameType) -> str | None:
    """Returns the scope of the fixture that a function sets up, from its variable `request`."""
    scope = getattr(local(frame, "request"), "scope", None)
    return scope if isinstance(scope, str) else None


def _kind_of(file: str) -> str:
    found = _kinds.get(file)
    if found is not None:
        return found
    name, found = file.replace("\\", "/"), _OTHER
    if "/pytest_asyncio/" in name or name.endswith("/anyio/pytest_plugin.py"):
        found = _RUNNER
    elif name.endswith("/anyio/from_thread.py"):
        found = _PORTAL
    elif name.endswith("/unittest/async_case.py"):
        found = "IsolatedAsyncioTestCase"
    elif in_stdlib(file) or is_ours(file):
        found = _STDLIB
    if len(_kinds) < _KNOWN_AT_MOST:  # code that a program generates may have any number of names
        _kinds[file] = found
    return found
