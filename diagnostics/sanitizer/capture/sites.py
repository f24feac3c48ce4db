"""Where something happened: captured stacks, and how to read them later.

Capturing is cheap. A stack holds code objects and line numbers, never a frame, so it extends the lifetime of code only.
Reading (file, source line, whose code it is) happens when findings are made, never while the program runs.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterator
from stat import S_ISREG
from types import CodeType, FrameType, ModuleType
from typing import Any, Final

from diagnostics.model import libraries

Stack = tuple[Any, ...]
"""Code object, instruction, code object, instruction, …; innermost first."""

Position = tuple[int, ...]
"""Line, end line, column and end column, as in `co_positions`."""


class RecordedCode:
    """A code object of another process, as its journal has it."""

    __slots__ = ("co_filename", "co_name", "co_qualname", "co_varnames", "generated", "made_by")

    def __init__(self, file: str, made_by: str, name: str, qualname: str, method: bool, generated: bool) -> None:
        self.co_filename = file
        self.made_by = made_by
        self.co_name = name
        self.co_qualname = qualname
        self.co_varnames = ("self",) if method else ()
        self.generated = generated


elsewhere: dict[str, str] = {}
"""The files of the libraries that another process has imported, while its journal is evaluated."""

DEPTH = 60
"""Frames kept of a stack: first-party code may be below many frames of a framework."""

_EXAMINED = range(DEPTH + 20)
"""Frames that `capture` looks at, of which some are the sanitizer's."""

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STDLIB = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
LIBRARIES = libraries.modules()
"""Packages that are third-party wherever they are: also in an editable checkout or after `pip install --target`."""

_INTERNED_AT_MOST = 4096

_ATTRS = "<attrs generated "

outermost: dict[int, CodeType] = {}
"""Keyed by id: functions of a test runner, whose callers say nothing about the test."""

_interned: dict[tuple[int, ...], Stack] = {}
"""Keyed by the ids of code objects and instructions, because equal functions of two files compare equal.

A stack keeps its code objects alive, so that no id is reused, and the sanitizer's own live as long as it does."""

_made_by: dict[int, tuple[CodeType, str]] = {}
"""Keyed by id: code without a file that a package generated at runtime, and the file of that package's module."""


def ends_at(code: CodeType) -> None:
    """Leaves the callers of a function out of the stacks from now on."""
    outermost[id(code)] = code


def goes_on_at(code: CodeType) -> bool:
    """Takes that back; returns whether it was so."""
    return outermost.pop(id(code), None) is not None


def is_outermost(code: CodeType) -> bool:
    """Returns whether the callers of a function are left out."""
    return bool(outermost) and id(code) in outermost


def capture(frame: FrameType | None = None) -> Stack:
    """Returns the stack from a frame outwards, without frames of the sanitizer.

    Equal stacks are one object, so a thousand connections opened on one line cost one stack.
    """
    innermost = frame or sys._getframe(1)
    return identified(innermost, identity(innermost))


def identified(innermost: FrameType, key: tuple[int, ...]) -> Stack:
    """Returns the same as `capture`, of a frame whose identity is known."""
    # Most stacks were captured before, so look at their identity only.
    stack = _interned.get(key)
    if stack is None:
        if len(_interned) >= _INTERNED_AT_MOST:
            _interned.clear()
        stack = _interned[(*key,)] = _kept(innermost)  # a copy, which counts as made here: see `gc_neutral`
    return stack


def identity(frame: FrameType | None, until: CodeType | None = None) -> tuple[int, ...]:
    """Returns numbers that tell a stack from all others, as long as its `capture` is kept.

    Args:
        frame: innermost of the stack.
        until: the code of the first frame that does not count.
    """
    found: list[int] = []
    ends = outermost
    for _ in _EXAMINED:
        if frame is None:
            break
        code = frame.f_code
        if code is until:
            break
        number = id(code)
        found.append(number)
        found.append(frame.f_lasti)
        if number in ends:
            break
        frame = frame.f_back
    return tuple(found)


def _kept(innermost: FrameType) -> Stack:
    """Returns the stack that `capture` has not seen yet."""
    found: list[Any] = []
    ids: list[int] = []
    frame: FrameType | None = innermost
    for _ in _EXAMINED:
        if frame is None or len(found) == DEPTH * 2:
            break
        code = frame.f_code
        if not code.co_filename.startswith(_HERE):
            if code.co_filename[:1] == "<":
                _note_maker(frame)
            found += code, frame.f_lasti
            ids += id(code), frame.f_lasti
        frame = None if is_outermost(code) else frame.f_back
    return _interned.setdefault(tuple(ids), tuple(found))


def _note_maker(frame: FrameType) -> None:
    """Remembers for `file_of` which package generated the code of a frame."""
    code = frame.f_code
    file = _maker(frame)
    if file is not None and len(_made_by) < _INTERNED_AT_MOST:
        _made_by[id(code)] = (code, file)


def _maker(frame: FrameType) -> str | None:
    """Returns the file of the module that generated code runs in, if that is an installed package."""
    if frame.f_code.co_filename.startswith("<frozen") or dict.get(frame.f_globals, "__name__") == "__main__":
        return None
    file = dict.get(frame.f_globals, "__file__")
    return file if isinstance(file, str) and installed(file) else None


def file_in(frame: FrameType) -> str:
    """Returns the same as `file_of`, for a live frame."""
    file = frame.f_code.co_filename
    return (_maker(frame) or file) if file[:1] == "<" else file


def file_of(code: CodeType | RecordedCode) -> str:
    """Returns the file of some code; for code that a package generated at runtime, the file of that package."""
    if isinstance(code, RecordedCode):
        return code.made_by or code.co_filename
    made = _made_by.get(id(code)) if code.co_filename[:1] == "<" else None
    return code.co_filename if made is None else made[1]


def is_generated(code: CodeType | RecordedCode) -> bool:
    """Returns whether dataclasses or attrs generated this method, which may call the factories of fields."""
    if isinstance(code, RecordedCode):
        return code.generated
    if code.co_filename.startswith(_ATTRS):
        return True
    made = code.co_filename == "<string>" and code.co_name == "__init__"
    return made and any("HAS_DEFAULT_FACTORY" in name for name in code.co_freevars)


def position(code: CodeType | RecordedCode, at: int | Position) -> Position:
    """Returns the position of an instruction; columns are -1 before Python 3.11.

    Args:
        code: the code object.
        at: the instruction, as in a stack; for code from a journal, its position.
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
    """Returns the line of an instruction."""
    return at[0] if isinstance(at, tuple) else _line(code, at)


def loaded_libraries() -> dict[str, str]:
    """Returns which of `LIBRARIES` are imported, with the files of their packages."""
    found = {package: _file_of_package(package) for package in LIBRARIES}
    return {package: file for package, file in found.items() if file is not None}


FRAMEWORKS = (
    *("pytest", "pytest_asyncio", "unittest", "anyio.pytest_plugin", "starlette", "fastapi", "django", "flask"),
    *("litestar", "quart", "falcon", "blacksheep", "asgiref", "celery", "rq", "dramatiq", "mangum", "awslambdaric"),
    *("ipykernel", "IPython", "streamlit", "starlette.testclient"),
)
"""What tells the kind of a program: the advice depends on it."""


def loaded_frameworks() -> dict[str, str]:
    """The frameworks that are imported."""
    return {name: "" for name in FRAMEWORKS if name in sys.modules}


def frames(stack: Stack) -> Iterator[tuple[Any, Any]]:
    """Yields code and instruction of each frame, innermost first."""
    return zip(stack[::2], stack[1::2])  # noqa: B905 - `strict` costs time, and the length is even


def is_ours(file: str) -> bool:
    """Returns whether a file is part of the sanitizer."""
    return file.startswith(_HERE)


def in_stdlib(file: str) -> bool:
    """Returns whether a file is part of the standard library or frozen into the interpreter."""
    return file.startswith("<frozen") or (file.startswith(_STDLIB) and not any(part in file for part in _INSTALLED))


def installed(file: str) -> bool:
    """Returns whether a file belongs to an installed package."""
    return any(part in file for part in _INSTALLED) or library(file) is not None


def belongs(file: str, package: str) -> bool:
    """Returns whether a file is part of an installed package, given by its import name."""
    inside = package.replace(".", os.sep) + os.sep
    return any(part + inside in file for part in _INSTALLED) or _lies_in(file, package)


def library(file: str) -> str | None:
    """Returns which of `LIBRARIES` a file is part of, if that is imported."""
    return next((package for package in LIBRARIES if _lies_in(file, package)), None)


def _lies_in(file: str, package: str) -> bool:
    # By where it was imported from: a program may have a folder or a module with that name.
    there = elsewhere.get(package) or _file_of_package(package)
    return there is not None and there.endswith("__init__.py") and file.startswith(there[: -len("__init__.py")])


def _file_of_package(package: str) -> str | None:
    return module_file(sys.modules.get(package))  # `getattr` would make a lazy module import itself


_MARK = b"from Event Loop Diagnostics"
_ASYNC_TOOLS = os.path.join(os.path.dirname(os.path.dirname(_HERE)), "async_tools") + os.sep
_copies: dict[str, bool] = {}
_stat: Final = os.stat
"""As the program found it: it may forbid the call on its loop (blockbuster)."""


def is_tool(file: str) -> bool:
    """Returns whether a file is `async_tools`, or a copy of it under any name: nobody's own code."""
    found = _copies.get(file)
    if found is None:
        found = file.startswith(_ASYNC_TOOLS) or _is_copy(file)
        if len(_copies) >= _INTERNED_AT_MOST:
            _copies.clear()
        _copies[file] = found
    return found


def _is_copy(file: str) -> bool:
    try:
        if not S_ISREG(_stat(file).st_mode):  # a pipe would block the program
            return False
        with open(file, "rb", buffering=0) as stream:  # a program may forbid buffered reads on its loop (blockbuster)
            return _MARK in stream.read(200)
    except (OSError, ValueError):
        return False


def is_users(file: str) -> bool:
    """Returns whether a file is first-party: neither the standard library nor an installed package."""
    return not (in_stdlib(file) or installed(file) or is_tool(file))


def module_file(module: Any) -> str | None:
    """Returns the file of a module, without running code of the program.

    The interpreter deletes that of `__main__` as its code ends, before exit functions run; the loader keeps it.
    """
    variables = object.__getattribute__(module, "__dict__") if issubclass(type(module), ModuleType) else {}
    file = variables.get("__file__")
    if file is None and variables.get("__name__") == "__main__":
        file = getattr(variables.get("__loader__"), "path", None)
    return file if isinstance(file, str) else None


def users_frame(stack: Stack) -> tuple[Any, Any] | None:
    """Returns the innermost first-party frame; a generated one only if there is no other."""
    generated = None
    for code, at in frames(stack):
        if is_users(file_of(code)):
            if not is_generated(code):
                return code, at
            generated = generated or (code, at)
    return generated


def is_finalized(stack: Stack, *, by_library: bool = False) -> bool:
    """Returns whether a `__del__`, or that of a library, is at work, before any other line of the person's."""
    for code, _ in frames(stack):
        if code.co_name == "__del__":
            return not (by_library and is_users(file_of(code)))
        if is_users(file_of(code)):
            return False
    return False


def contains(stack: Stack, inner: Stack) -> bool:
    """Returns whether `stack` was captured inside the call that `inner` begins with."""
    few = inner[:16]
    return bool(few) and any(stack[at : at + len(few)] == few for at in range(0, min(len(stack), 40), 2))


def trigger_of(stack: Stack, *, in_call: bool) -> str:
    """Returns what caused a foreign access, judging by the functions on its stack."""
    names = {code.co_name for code, _ in frames(stack[:80]) if "httpcore" in code.co_filename}
    if "_close_connections" in names and "_response_closed" not in names and in_call:
        return "pool eviction"
    if in_call:
        return "call"
    return "user" if users_frame(stack) else "task"


def task_frames(stack: Stack) -> Stack:
    """Returns the frames of the running task only.

    A task that a finalizer started has no line of the program; the code that it interrupted has.
    """
    for at in range(0, len(stack), 2):
        if stack[at].co_name == "_run" and "asyncio" in stack[at].co_filename:
            return stack[:at]
    return stack
