"""Describes stacks and records: sites with their source line, who closed a loop, whose code it is.

Reads files and package metadata, so it is called when findings are made and not before.
"""

from __future__ import annotations

import functools
import importlib.metadata
import linecache
import os
from typing import Any

from diagnostics.model.finding import Site
from diagnostics.model.visible import visible
from diagnostics.sanitizer.capture.cells import shown_file
from diagnostics.sanitizer.capture.facts import KEPT, ClientRecord, LoopRecord
from diagnostics.sanitizer.capture.sites import (
    Stack,
    belongs,
    file_of,
    frames,
    in_stdlib,
    installed,
    is_tool,
    is_users,
    library,
    position,
    users_frame,
)


def site(stack: Stack) -> Site | None:
    """Returns the innermost first-party line."""
    found = users_frame(stack)
    return _site(*found) if found else None


def sites(stack: Stack) -> tuple[Site, ...]:
    """Returns every frame of a stack, innermost first."""
    return tuple(_site(code, at) for code, at in frames(stack))


def _site(code: Any, at: Any) -> Site:
    number, end, column, end_column = position(code, at)
    inside = end_column if end == number else None
    return source_site(code.co_filename, number, column, inside, code.co_name)


def source_site(file: str, number: int, column: int, end_column: int | None, function: str = "<module>") -> Site:
    """Returns a place in a source file; a negative column is unknown."""
    file = shown_file(file)
    text = linecache.getline(file, number)
    file, function, code = visible(file), visible(function), visible(text.strip())
    if column < 0 or not text:
        return Site(file, number, function, code)
    last = None if end_column is None else _characters(text, end_column)
    return Site(file, number, function, code, _characters(text, column), last)


def _characters(text: str, count: int) -> int:
    """Returns how many characters the first bytes of a line are: positions count bytes."""
    return len(text.encode()[:count].decode(errors="ignore"))


def who(stack: Stack, method: str) -> str | None:
    """Returns which function the program called, or which package, that created or closed a loop.

    Args:
        stack: where the loop was created or closed.
        method: the loop's own method at the inner end of the stack.
    """
    if not stack:
        return None
    if any(code.co_name == "__del__" and "base_events" in code.co_filename for code, _ in frames(stack[:8])):
        return "gc"
    last = None
    for code, _ in frames(stack):
        file = file_of(code)
        if in_stdlib(file) and not file.startswith("<frozen"):
            name = code.co_name
            if file.endswith(f"asyncio{os.sep}runners.py"):
                last = "asyncio.run" if name == "run" and _function_run(code) else "asyncio.Runner"
            elif f"{os.sep}asyncio{os.sep}" in file and name not in (method, "__init__", "__del__"):
                last = f"asyncio.{name}"
            continue
        if installed(file):
            package = distribution(file) or file
            return f"{last} in {package}" if last else package
        return last or "user"
    return last


def _function_run(code: object) -> bool:
    # `asyncio.run` and `Runner.run` have the same name; only the method has a `self`.
    return "self" not in getattr(code, "co_varnames", ())


def created_by(record: LoopRecord) -> str | None:
    """Returns what created a loop: the mechanism, and the package that used it with what for."""
    made = who(record.created, "__init__")
    package = maker(record)
    if record.purpose == KEPT:
        return f"{made}, {KEPT}" if made in ("asyncio.run", "asyncio.Runner") else made
    if record.purpose and package is not None:
        return f"{package} {record.purpose}" if record.purpose.startswith("portal") else f"{package}, {record.purpose}"
    return record.purpose or made


def maker(record: LoopRecord) -> str | None:
    """Returns the distribution whose code created a loop, or `None` where the person's did."""
    found = nearest(record.created)
    return None if found == "user" else found


def of_one_runner(one: LoopRecord | None, other: LoopRecord) -> bool:
    """Returns whether one test runner made both loops, whose scopes a person chooses."""
    return one is not None and other.purpose.endswith(" scope") and maker(one) == maker(other)


def nearest(stack: Stack) -> str:
    """Returns whose the innermost frame outside of the standard library is: `user`, or a distribution."""
    for code, _ in frames(stack):
        file = file_of(code)
        if not in_stdlib(file):
            return (installed(file) and distribution(file)) or "user"
    return "user"


def component(client: ClientRecord | None, otherwise: Stack = ()) -> str:
    """Returns who holds a client: `user`, or the distribution whose code created it and keeps it."""
    if client is None and users_frame(otherwise) is not None:
        return "user"
    if client is not None and holds(client):
        return "user"
    if client is not None and client.holder is not None and client.holder.how == "used":
        wrapper = client.holder.type.rpartition(".")[2]  # whose method made the client
        methods = [code for code, _ in frames(client.created) if _is_method(code, wrapper)]
        if methods and distribution(file_of(methods[-1])):
            return distribution(file_of(methods[-1])) or ""
    for code, _ in frames(client.created if client else otherwise):
        file = file_of(code)
        if in_stdlib(file) or (client is not None and belongs(file, client.package)):
            continue
        if is_users(file):
            return "user"
        return distribution(file) or "user"
    return "user"


def _is_method(code: Any, cls: str) -> bool:
    return getattr(code, "co_qualname", "").startswith(f"{cls}.") and installed(file_of(code))


def holds(client: ClientRecord) -> bool:
    """Returns whether the person holds the object around a client, which is what they write and close."""
    holder = client.holder
    return holder is not None and (holder.is_persons or (holder.how == "unseen" and client.variable is not None))


def created_inside(client: ClientRecord | None) -> bool:
    """Returns whether a client was created by code that a loop was running."""
    return client is not None and any(
        code.co_name in ("_run_once", "run_until_complete") for code, _ in frames(client.created)
    )


def closed_by(record: LoopRecord) -> str | None:
    """Returns what closed a loop."""
    return who(record.closed, "close") if record.closed is not None else None


def closed_by_tool(record: LoopRecord) -> bool:
    """Returns whether `async_tools` closed a loop."""
    outside = (file_of(code) for code, _ in frames(record.closed or ()) if not in_stdlib(file_of(code)))
    return is_tool(next(outside, ""))


def distribution(file: str) -> str | None:
    """Returns the distribution that a file of an installed package belongs to."""
    for mark in (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}"):
        if mark in file:
            inside = file.rsplit(mark, maxsplit=1)[-1]
            by_file = _file_owners().get(inside)
            names = _owners().get(inside.split(os.sep)[0].removesuffix(".py"), [])
            return by_file or (names[0] if names else inside.split(os.sep)[0].removesuffix(".py"))
    package = library(file)
    names = _owners().get(package, []) if package is not None else []
    return names[0] if names else package


def relative_path(file: str) -> str:
    """Returns a path relative to the working directory if that is shorter."""
    try:
        relative = os.path.relpath(file)
    except (ValueError, OSError):
        return file
    return relative if len(relative) < len(file) and not relative.startswith("..") else file


@functools.cache
def _owners() -> dict[str, list[str]]:
    return {name: list(owners) for name, owners in importlib.metadata.packages_distributions().items()}


@functools.cache
def _file_owners() -> dict[str, str]:
    # Only namespace packages need this: the folder `google` belongs to many distributions.
    shared = {owner for owners in _owners().values() if len(set(owners)) > 1 for owner in owners}
    found: dict[str, str] = {}
    for name in shared:
        for each in importlib.metadata.files(name) or ():
            found[str(each).replace("/", os.sep)] = name
    return found
