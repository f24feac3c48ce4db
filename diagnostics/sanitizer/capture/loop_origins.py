"""What a loop is created for, by the frames that create it."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Final

from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.holders import locals_of
from diagnostics.sanitizer.capture.sites import Stack, in_stdlib, is_ours, is_outermost, is_users

_CLOSURE: Final = 0x10  # inspect.CO_NESTED
_ARGUMENTS: Final = 0x04 | 0x08  # inspect.CO_VARARGS, inspect.CO_VARKEYWORDS

_STDLIB: Final = "stdlib"
_OTHER: Final = "other"
_KNOWN_AT_MOST: Final = 4096

_kinds: dict[str, str] = {}
"""By file: `_STDLIB` for what tells nothing, `_OTHER` for packages and programs, or what creates loops there."""


def runs_in_thread(frame: FrameType | None) -> Stack:
    """The coroutine that `asyncio.run` was given, where a thread runs nothing else: no frame says whose loop that is.

    A coroutine of a library counts only if it is a closure without arguments, which a library makes to run it there. A
    person may give `asyncio.run` any other coroutine of a library.
    """
    code = None
    while frame is not None:
        file = frame.f_code.co_filename
        kind = _kinds.get(file) or _kind_of(file)
        if kind != _STDLIB:
            return ()
        if frame.f_code.co_name == "run" and file.replace("\\", "/").endswith("asyncio/runners.py"):
            names = locals_of(frame)
            code = getattr(names.get("main", names.get("coro")), "cr_code", code)
        frame = frame.f_back
    if code is None:
        return ()
    made_for_it = code.co_flags & _CLOSURE and not (code.co_argcount or code.co_flags & _ARGUMENTS)
    return (code, 0) if is_users(code.co_filename) or made_for_it else ()


def loop_purpose(frame: FrameType | None) -> str:
    """Tells what a loop is created for, where a test runner or a portal creates it: the scope of its fixture, say."""
    while frame is not None:
        code = frame.f_code
        kind = _kinds.get(code.co_filename) or _kind_of(code.co_filename)
        if kind not in (_STDLIB, _OTHER):
            if kind != "pytest plugin":
                return "portal of TestClient" if kind == "portal" and "starlette.testclient" in sys.modules else kind
            scope = _scope(frame)
            if isinstance(scope, str):
                return f"{scope} scope"
            if code.co_name.startswith("pytest_"):
                return kind
        frame = None if is_outermost(code) else frame.f_back
    return ""


@gc_neutral
def _scope(frame: FrameType) -> Any:
    return getattr(locals_of(frame).get("request"), "scope", None)


def _kind_of(file: str) -> str:
    name, found = file.replace("\\", "/"), _OTHER
    if "/pytest_asyncio/" in name or name.endswith("/anyio/pytest_plugin.py"):
        found = "pytest plugin"
    elif name.endswith("/anyio/from_thread.py"):
        found = "portal"
    elif name.endswith("/unittest/async_case.py"):
        found = "IsolatedAsyncioTestCase"
    elif in_stdlib(file) or is_ours(file):
        found = _STDLIB
    if len(_kinds) < _KNOWN_AT_MOST:  # code that a program generates may have any number of names
        _kinds[file] = found
    return found
