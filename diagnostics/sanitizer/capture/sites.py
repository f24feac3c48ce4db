"""Where something happened: stacks as they are captured, and how they are read later.

Capturing is cheap and holds code objects and line numbers only, never a frame, so it prolongs no lifetime but that of
code. Reading (file, source line, whose code it is) happens when findings are made, never while the program works.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from types import CodeType, FrameType, ModuleType
from typing import Any

Stack = tuple[Any, ...]
"""Code object, instruction, code object, instruction, …; innermost first."""

Position = tuple[int, ...]
"""Line, end line, column and end column, as `co_positions` has them."""


class RecordedCode:
    """What a journal keeps of a code object of another process."""

    __slots__ = ("co_filename", "co_name", "co_qualname", "co_varnames", "generated", "made_by")

    def __init__(self, file: str, made_by: str, name: str, qualname: str, method: bool, generated: bool) -> None:
        self.co_filename = file
        self.made_by = made_by
        self.co_name = name
        self.co_qualname = qualname
        self.co_varnames = ("self",) if method else ()
        self.generated = generated


elsewhere: dict[str, str] = {}
"""Where libraries are that the process has imported whose journal is read."""

DEPTH = 60
"""Frames kept of a stack: a framework's own are many, the person's line is below them."""

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
LIBRARIES = (
    *("httpx", "httpx2", "httpcore", "httpcore2", "httpx_aiohttp", "h11", "h2", "hpack", "hyperframe"),
    *("aiohttp", "aiosignal", "aiohappyeyeballs", "async_timeout", "anyio", "sniffio", "truststore", "certifi"),
    *("openai", "anthropic", "google.genai", "google.auth", "tenacity"),
)
"""Packages that are nobody's own program, wherever they lie: `pip install --target`, an editable checkout."""

_INTERNED_AT_MOST = 4096

_ATTRS = "<attrs generated "

_interned: dict[tuple[int, ...], Stack] = {}
"""By the ids of the code objects, which the stacks keep alive: equal functions of two files are equal code."""

_made_by: dict[int, tuple[CodeType, str]] = {}
"""By its id, code without a file that an installed package made while it ran, and the file of that package's module."""


def capture(frame: FrameType | None = None) -> Stack:
    """The stack from a frame outwards, this package's own frames left out.

    Equal stacks are one object: a thousand connections opened on one line cost one stack.
    """
    found: list[Any] = []
    ids: list[int] = []
    frame = frame or sys._getframe(1)
    deepest = DEPTH * 2
    while frame is not None and len(found) < deepest:
        code = frame.f_code
        if not code.co_filename.startswith(_HERE):
            if code.co_filename[:1] == "<":
                _note_maker(frame)
            found.append(code)
            found.append(frame.f_lasti)
            ids.append(id(code))
            ids.append(frame.f_lasti)
        frame = frame.f_back
    stack = tuple(found)
    if len(_interned) >= _INTERNED_AT_MOST:
        _interned.clear()
    return _interned.setdefault(tuple(ids), stack)


def _note_maker(frame: FrameType) -> None:
    """Has `file_of` know whose the code of a frame is."""
    code = frame.f_code
    file = _maker(frame)
    if file is not None and len(_made_by) < _INTERNED_AT_MOST:
        _made_by[id(code)] = (code, file)


def _maker(frame: FrameType) -> str | None:
    """The file of the module that code without a file runs in, if an installed package made that code."""
    if frame.f_code.co_filename.startswith("<frozen") or dict.get(frame.f_globals, "__name__") == "__main__":
        return None
    file = dict.get(frame.f_globals, "__file__")
    return file if isinstance(file, str) and installed(file) else None


def file_in(frame: FrameType) -> str:
    """The same as `file_of` for a frame that is there."""
    file = frame.f_code.co_filename
    return (_maker(frame) or file) if file[:1] == "<" else file


def file_of(code: CodeType | RecordedCode) -> str:
    """The file of some code; of what an installed package has made while it ran, that package's file."""
    if isinstance(code, RecordedCode):
        return code.made_by or code.co_filename
    made = _made_by.get(id(code)) if code.co_filename[:1] == "<" else None
    return code.co_filename if made is None else made[1]


def is_generated(code: CodeType | RecordedCode) -> bool:
    """Whether nobody wrote this: a method of dataclasses or attrs, which may call the factories of fields."""
    if isinstance(code, RecordedCode):
        return code.generated
    if code.co_filename.startswith(_ATTRS):
        return True
    made = code.co_filename == "<string>" and code.co_name == "__init__"
    return made and any("HAS_DEFAULT_FACTORY" in name for name in code.co_freevars)


def position(code: CodeType | RecordedCode, at: int | Position) -> Position:
    """Line, end line, column and end column of an instruction; columns are -1 before Python 3.11.

    Args:
        at: the instruction, as in a stack; of code from a journal, the position itself.
    """
    if isinstance(at, tuple):
        return at
    index = max(at, 0) // 2
    positions = getattr(code, "co_positions", None)
    if positions is not None:
        found = next(itertools.islice(positions(), index, None), (None,) * 4)
        if found[0] is not None:
            return tuple(-1 if each is None else each for each in found)
    line = _line(code, at)
    return (line, line, -1, -1)


def _line(code: Any, at: int) -> int:
    found = code.co_firstlineno
    for start, end, line in code.co_lines():
        if start <= max(at, 0) < end and line is not None:
            return int(line)
    return int(found)


def line(code: CodeType | RecordedCode, at: int | Position) -> int:
    """The line of an instruction."""
    return at[0] if isinstance(at, tuple) else _line(code, at)


def loaded_libraries() -> dict[str, str]:
    """The libraries known by name that are imported, with the files of their packages."""
    found = {package: _file_of_package(package) for package in LIBRARIES}
    return {package: file for package, file in found.items() if file is not None}


def frames(stack: Stack) -> Iterator[tuple[Any, Any]]:
    """The pairs of a stack, innermost first."""
    return zip(stack[::2], stack[1::2])  # noqa: B905 - `strict` costs, and a stack has pairs by construction


def is_ours(file: str) -> bool:
    """Whether a file is part of this package."""
    return file.startswith(_HERE)


def in_stdlib(file: str) -> bool:
    """Whether a file is the standard library's, or made up by the interpreter."""
    return file.startswith("<frozen") or (file.startswith(_STDLIB) and not any(part in file for part in _INSTALLED))


def installed(file: str) -> bool:
    """Whether a file belongs to an installed package."""
    return any(part in file for part in _INSTALLED) or library(file) is not None


def belongs(file: str, package: str) -> bool:
    """Whether a file is part of an installed package, given by its import name."""
    inside = package.replace(".", os.sep) + os.sep
    return any(part + inside in file for part in _INSTALLED) or _lies_in(file, package)


def library(file: str) -> str | None:
    """Which of the packages known by name a file is part of, if that is imported."""
    return next((package for package in LIBRARIES if _lies_in(file, package)), None)


def _lies_in(file: str, package: str) -> bool:
    # By where it was imported from: a program may have that name for a folder or a module of its own.
    there = elsewhere.get(package) or _file_of_package(package)
    return there is not None and there.endswith("__init__.py") and file.startswith(there[: -len("__init__.py")])


def _file_of_package(package: str) -> str | None:
    module = sys.modules.get(package)
    # Not by `getattr`, which has a lazy module import itself.
    there = object.__getattribute__(module, "__dict__").get("__file__") if isinstance(module, ModuleType) else None
    return there if isinstance(there, str) else None


def is_users(file: str) -> bool:
    """Whether a file is the person's own: neither the standard library's nor an installed package's."""
    return not (in_stdlib(file) or installed(file))


def users_frame(stack: Stack) -> tuple[Any, Any] | None:
    """The innermost frame of the person's own code, or of what was generated for it where there is no other."""
    generated = None
    for code, at in frames(stack):
        if is_users(file_of(code)):
            if not is_generated(code):
                return code, at
            generated = generated or (code, at)
    return generated


def contains(stack: Stack, inner: Stack) -> bool:
    """Whether a stack was captured below another one, in the same call: the outer one's first frames are in it."""
    few = inner[:16]
    return bool(few) and any(stack[at : at + len(few)] == few for at in range(0, min(len(stack), 40), 2))
