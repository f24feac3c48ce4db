"""Stacks as frames of a timeline: the operation, the first-party line, and what a loop is run for."""

from __future__ import annotations

import sys
import threading
from types import CodeType

from diagnostics.model.finding import Site
from diagnostics.sanitizer.capture.sites import Stack, frames, in_stdlib, installed, line, users_frame

FRAMES = 30
"""Frames of a stack that a timeline keeps."""


def shuts_down(stack: Stack, *, again: bool) -> bool:
    """Returns whether a loop runs only to shut down generators and threads, as `asyncio.run` does at its end."""
    for code, _ in frames(stack):
        if code.co_filename.replace("\\", "/").endswith("asyncio/runners.py"):
            if code.co_name in ("close", "_cancel_all_tasks"):
                return True
            if code.co_name == "run" and "self" not in code.co_varnames:
                return again  # `asyncio.run` runs its program once, and first
    return False


def operation(stack: Stack, skip: tuple[str, ...] = ()) -> Site | None:
    """Returns the innermost frame that is not one of the functions to skip, such as a loop's own `close`."""
    for code, at in frames(stack):
        passes_on = code.co_name in skip and not code.co_filename.endswith("runners.py")
        if not passes_on or not (in_stdlib(code.co_filename) or installed(code.co_filename)):
            return Site(short(code.co_filename), line(code, at), _name(code), "")
    return None


def users_site(stack: Stack) -> Site | None:
    """Returns the innermost first-party line."""
    found = users_frame(stack)
    return Site(short(found[0].co_filename), line(*found), _name(found[0]), "") if found else None


def sites(stack: Stack) -> tuple[Site, ...]:
    """Returns the innermost frames of a stack, innermost first."""
    return tuple(
        Site(short(code.co_filename), line(code, at), _name(code), "") for code, at in frames(stack[: 2 * FRAMES])
    )


def thread_name(known: dict[int, str]) -> str:
    """Returns the name of this thread, unique among `known`, to which it is added.

    It reads the table of threads, because `current_thread` would register a thread that it does not know.
    """
    number = threading.get_ident()
    thread = threading._active.get(number)  # type: ignore[attr-defined]
    name = thread.name if thread is not None else f"thread {number}"
    key = id(thread) if thread is not None else number
    if key not in known:
        there = sum(each.partition(" (")[0] == name for each in known.values())
        known[key] = f"{name} ({there + 1})" if there else name
    return known[key]


def _name(code: CodeType) -> str:
    """Returns the qualified name of a function; before Python 3.11, a method is searched for in its module."""
    name: str | None = getattr(code, "co_qualname", None)
    if name is not None:
        return name
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) == code.co_filename:
            for cls in list(vars(module).values()):
                method = vars(cls).get(code.co_name) if isinstance(cls, type) else None
                if getattr(method, "__code__", None) is code:
                    return f"{cls.__name__}.{code.co_name}"
    return code.co_name


def short(file: str) -> str:
    """Returns a file without folders of this machine: `asyncio/base_events.py`, `httpx/_client.py`."""
    parts = file.replace("\\", "/").split("/")
    for mark in ("site-packages", "dist-packages"):
        if mark in parts:
            return "/".join(parts[parts.index(mark) + 1 :])
    return "/".join(parts[-2:])
