"""Who opens a connection of asyncio: what the stack tells while its transport is made.

Between the transport and the person's line there is code of libraries. The object whose method the person called is
the outermost receiver on that way: a pool, an engine, a client. This is all that can be had cheaply; `owners` looks
for the variable that keeps the connection when there is something to report.
"""

from __future__ import annotations

import re
import sys
import weakref
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from diagnostics.sanitizer.capture.closers import can_be_closed, is_awaitable_only
from diagnostics.sanitizer.capture.holders import (
    FACTORY,
    Variable,
    attributes_of,
    contents,
    locals_of,
    reaches,
    receiver_of,
)
from diagnostics.sanitizer.capture.sites import Stack, capture, file_in, identity, in_stdlib, is_ours, is_tool, is_users

_ACCEPTS: Final = ("_accept_connection2", "connect_accepted_socket")
_MAKES: Final = {
    "open_connection": "asyncio.StreamWriter",
    "open_unix_connection": "asyncio.StreamWriter",
    "create_subprocess_exec": "asyncio.subprocess.Process",
    "create_subprocess_shell": "asyncio.subprocess.Process",
    **dict.fromkeys(("create_connection", "create_unix_connection", "create_datagram_endpoint"), ""),
    **dict.fromkeys(("connect_read_pipe", "connect_write_pipe", "subprocess_exec", "subprocess_shell"), ""),
    **dict.fromkeys(("start_server", "start_unix_server", "create_server", "create_unix_server"), ""),
}
"""What a person gets from functions of asyncio; a transport and a protocol from those without a name."""

_BEGINNING: Final = re.compile(r"__(?:init|new|await|aenter)")
"""Methods that make an object or open it for the first time."""

_PERSONS_FRAMES: Final = 8
_FILES_AT_MOST: Final = 4096

_STDLIB, _LIBRARY, _PERSON = range(3)
_whose: dict[str, int] = {}
_made: dict[int, tuple[weakref.ref[Any], Stack]] = {}


MADE: Final = "_diagnostics_made"
"""Attribute of a client whose connections are found by their opening: where it was made."""


class Made:
    """A stack that is an attribute of an object; copies and pickles of that have `None` instead."""

    __slots__ = ("stack",)

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def __reduce__(self) -> Any:
        return type(None), ()


class Receiver(NamedTuple):
    """An object by its address and class; `ref` is `None` where it takes no weak reference, `made` is where known."""

    id: int
    type: type
    ref: weakref.ref[Any] | None
    made: Stack = ()

    @property
    def gone(self) -> bool:
        """Whether the object is known to be freed."""
        return self.ref is not None and self.ref() is None


_OBJECT: Final[weakref.ref[type]] = weakref.ref(object)


class Opener(NamedTuple):
    """Who opened a connection.

    Attributes:
        receivers: of the libraries' methods between the transport and the person's line, innermost first.
        variable: the local variable of the person's code that held one of them.
        held: which one.
        name: of what asyncio itself gives a person; of the protocol's class otherwise.
        by_person: whether there is a line of the person's at all.
        protocol: a weak reference to the class of the connection's protocol.
        made: whether the call on that line makes the client: a function such as `connect`, or awaiting a new object.
    """

    receivers: tuple[Receiver, ...]
    variable: Variable | None
    held: Receiver | None
    name: str
    by_person: bool
    made: bool = False
    protocol: weakref.ref[type] = _OBJECT

    @property
    def client(self) -> Receiver | None:
        """What the person called: the outermost receiver that can be closed, if there is one."""
        closable = [each for each in self.receivers if can_be_closed(each.type)]
        return (closable or self.receivers or (None,))[-1]


class _Way(NamedTuple):
    """What is the same whenever a stack opens a connection.

    Attributes:
        stack: it is kept, so that no code object of it is replaced by another one with its id.
        openers: by the class of the protocol, which a program may make anew for each connection, where no library is on
            the stack; `None` where one is.
    """

    stack: Stack
    openers: weakref.WeakKeyDictionary[type, Opener | None] | None


_ways: dict[tuple[int, ...], _Way] = {}
_ways_of_run: dict[tuple[Any, ...], _Way] = {}
"""Keyed by the run of a loop and the frames inside it: those around it stay the same."""


def opening(frame: FrameType, protocol: Any, run: tuple[int, int]) -> tuple[Opener, Stack] | None:
    """Does the same as `opener` for transports, with the stack; looks at a stack in detail the first time only.

    Args:
        frame: of the code that makes the transport.
        protocol: of the connection.
        run: identifies the loop and its run.
    """
    inside = identity(frame, sys.modules["asyncio.base_events"].BaseEventLoop._run_once.__code__)
    way = _ways_of_run.get((run, inside))
    if way is None:
        way = _ways_of_run[run, inside] = _way(frame)
    if way.openers is None:
        found = opener(frame, protocol)
    else:
        cls = type(protocol)
        try:
            found = way.openers[cls]
        except KeyError:
            found = way.openers[cls] = opener(frame, protocol)
    return (found, way.stack) if found is not None else None


def _way(frame: FrameType) -> _Way:
    if max(len(_ways), len(_ways_of_run)) >= _FILES_AT_MOST:
        _ways.clear()
        _ways_of_run.clear()
    key = identity(frame)
    way = _ways.get(key)
    if way is None:
        way = _ways[key] = _Way(capture(frame), None if _has_library(frame) else weakref.WeakKeyDictionary())
    return way


def _has_library(frame: FrameType | None) -> bool:
    while frame is not None:
        whose = _owner_of(frame.f_code, frame)
        if whose == _PERSON or (frame.f_code.co_name == "_run_once" and whose == _STDLIB):
            return False
        if whose == _LIBRARY:
            return True
        frame = frame.f_back
    return False


def opener(frame: FrameType | None, protocol: Any) -> Opener | None:
    """Tells who opens a connection; `None` for one that a server accepts.

    Args:
        frame: of the code that makes the transport.
        protocol: of the connection.
    """
    receivers: list[Receiver] = []
    name = called = ""
    by_asyncio = False
    while frame is not None:
        code = frame.f_code
        whose = _owner_of(code, frame)
        if whose == _PERSON or (code.co_name == "_run_once" and whose == _STDLIB):
            break  # a task of a library: what runs its loop has not opened anything
        if whose == _LIBRARY:
            receiver = receiver_of(frame) if code.co_argcount and code.co_varnames[0] == "self" else None
            called = code.co_name
            if receiver is not None:
                receivers.append(referred(receiver))
                called = "" if FACTORY.match(called) else called  # a method, of what was made before
        elif code.co_name in _ACCEPTS:
            return None
        elif code.co_name in _MAKES and not receivers:
            name, by_asyncio = _MAKES[code.co_name], True
        frame = frame.f_back
    by_person = frame is not None and frame.f_code.co_name != "_run_once"
    variable, held = _local(frame, receivers)
    opens = bool(receivers) and is_awaitable_only(receivers[-1].type)
    made = bool(opens or FACTORY.match(called) or _BEGINNING.match(called) or (by_asyncio and not receivers))
    cls = type(protocol)
    return Opener(tuple(receivers), variable, held, name or written(cls), by_person, made, weakref.ref(cls))


def note_made(thing: Any, stack: Stack) -> None:
    """Remembers for `referred` where an object was made."""
    try:
        setattr(thing, MADE, Made(stack))
    except AttributeError:  # it has slots
        key = id(thing)
        _made[key] = weakref.ref(thing, lambda _: _made.pop(key, None)), stack


def referred(thing: Any) -> Receiver:
    """Returns a reference to an object that keeps it alive no longer."""
    noted = (attributes_of(thing) or {}).get(MADE)
    stack = noted.stack if isinstance(noted, Made) else ()
    known = _made.get(id(thing))
    try:
        return Receiver(id(thing), type(thing), weakref.ref(thing), stack if known is None else known[1])
    except TypeError:
        return Receiver(id(thing), type(thing), None, stack)


def written(cls: type) -> str:
    """Returns a class as a person writes it: with the shortest module that offers it under its own name."""
    module = str(cls.__module__)
    # `_asyncio.Task` is offered as `asyncio.Task`.
    parts = (module if module.startswith("__") else module.removeprefix("_")).split(".")
    for count in range(1, len(parts) + 1):
        found = sys.modules.get(".".join(parts[:count]))
        if found is not None and vars(found).get(cls.__name__) is cls:
            return ".".join([*parts[:count], cls.__qualname__]).removeprefix("__main__.")
    return f"{module}.{cls.__qualname__}"


def _owner_of(code: CodeType, frame: FrameType) -> int:
    file = code.co_filename
    known = _whose.get(file)
    if known is None:
        file = file_in(frame)
        nobodys = in_stdlib(file) or is_ours(file) or is_tool(file)
        known = _STDLIB if nobodys else _PERSON if is_users(file) else _LIBRARY
        if code.co_filename[:1] != "<" and len(_whose) < _FILES_AT_MOST:
            _whose[code.co_filename] = known
    return known


def _local(frame: FrameType | None, receivers: list[Receiver]) -> tuple[Variable | None, Receiver | None]:
    """Finds the local variable of the person's code that holds a receiver; the outermost one, which was first."""
    wanted = {each.id: each.type for each in receivers}
    found: tuple[Variable | None, Receiver | None] = None, None
    for each in _persons_frames(frame) if wanted else ():
        for name, value in locals_of(each).items():
            path = reaches(name, value, wanted, 1 if name == "self" else 0)
            if path is not None:
                code = each.f_code
                module = str(each.f_globals.get("__name__", ""))
                inner = dict(contents(name, value)).get(path, value)
                found = Variable(path, module, code.co_filename, code.co_firstlineno), referred(inner)
    return found


def _persons_frames(frame: FrameType | None) -> Iterator[FrameType]:
    left = _PERSONS_FRAMES
    while frame is not None and left:
        if frame.f_code.co_name != "<module>" and _owner_of(frame.f_code, frame) == _PERSON:
            left -= 1
            yield frame
        frame = frame.f_back
