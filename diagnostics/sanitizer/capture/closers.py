"""How an object is closed: told from its class, without calling anything.

The answer is what one writes: `async with`, or calls such as `await aclose()` or `close(); await wait_closed()`. A
method that is no coroutine function may return something to await all the same; where its code does not say, the
answer is `maybe await close()`.
"""

from __future__ import annotations

import dis
import itertools
from typing import Any, Final

CLOSERS: Final = ("aclose", "close_async", "async_close", "close", "dispose", "disconnect", "shutdown", "stop")
"""What an object offers that a person is meant to close, what closes its async part first."""

_OF_A_PART: Final = tuple(
    f"{verb}_{part}"
    for verb in ("aclose", "close")
    for part in ("session", "client", "connection", "pool", "connection_pool")
)
"""What closes the one thing that an object has to close."""

_COROUTINE: Final = 0x80 | 0x100  # inspect.CO_COROUTINE, inspect.CO_ITERABLE_COROUTINE
_CALLS: Final = {"asyncio.subprocess": "kill(); await wait()"}
_NOT_CLOSED: Final = "_LoopBoundMixin"
"""Base class of asyncio's locks and queues: `async with` takes one, and `Queue.shutdown` ends its use."""


def can_be_closed(cls: type) -> bool:
    """Returns whether a person is meant to close objects of this class."""
    return cls.__module__ in _CALLS or _is_managed(cls) or _name(cls) != ""


def is_entered_only(cls: type) -> bool:
    """Returns whether only `async with` ends the use of an object of this class."""
    return _is_managed(cls) and not _name(cls)


def is_awaitable_only(cls: type) -> bool:
    """Returns whether objects of a class only open what a person uses: they are awaited or entered, never closed."""
    return is_entered_only(cls) and hasattr(cls, "__await__")


def closer_of(cls: type, thing: Any = None) -> str:
    """Returns how objects of a class are closed: see `ClientHolder`.

    Args:
        cls: the class.
        thing: an object of it, where there is one.
    """
    if any(each.__name__ == _NOT_CLOSED for each in cls.__mro__):
        return ""
    if cls.__module__ in _CALLS:
        return _CALLS[cls.__module__]
    if _is_managed(cls):
        return "async with or await" if hasattr(cls, "__await__") else "async with"
    name = _name(cls)
    if not name:
        return ""
    method = getattr(cls, name)
    if isinstance(method, property):
        method = _of_delegate(method, name, thing)
    arguments = "..." if _required(method) else ""
    waits = _is_awaited(method)
    if waits is not True and _is_awaited(getattr(cls, "wait_closed", None)):
        return f"{name}({arguments}); await wait_closed()"
    return f"{'' if waits is False else 'await ' if waits else 'maybe await '}{name}({arguments})"


def _is_managed(cls: type) -> bool:
    return hasattr(cls, "__aenter__") and hasattr(cls, "__aexit__")


def _name(cls: type) -> str:
    offered = ((each, getattr(cls, each, None)) for each in CLOSERS)
    named = (name for name, each in offered if callable(each) or isinstance(each, property))
    parts = (each for each in _OF_A_PART if callable(found := getattr(cls, each, None)) and not _required(found))
    return next(itertools.chain(named, parts), "")


def _of_delegate(found: property, name: str, thing: Any) -> Any:
    """Returns the method that a property passes on, of an attribute that its code names."""
    code = getattr(found.fget, "__code__", None)
    try:
        attributes = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return None
    passed = (attributes[each] for each in getattr(code, "co_names", ()) if each in attributes)
    return next((getattr(type(each), name) for each in passed if hasattr(type(each), name)), None)


def _required(method: Any) -> bool:
    """Whether a method of a class needs an argument besides the object."""
    while hasattr(method, "__wrapped__"):
        method = method.__wrapped__
    code = getattr(method, "__code__", None)
    return code is not None and code.co_argcount - len(getattr(method, "__defaults__", None) or ()) > 1


def _is_awaited(method: Any) -> bool | None:
    """Returns whether what a method returns is awaited; `None` where its code does not say."""
    outermost = getattr(method, "__code__", None)
    while method is not None:
        if getattr(getattr(method, "__code__", None), "co_flags", 0) & _COROUTINE:
            return True
        method = getattr(method, "__wrapped__", None)
    return False if outermost is not None and _returns_nothing(outermost) else None


def _returns_nothing(code: Any) -> bool:
    before = None
    for each in dis.get_instructions(code):
        if each.opname == "RETURN_CONST" and each.argval is not None:
            return False
        if each.opname == "RETURN_VALUE" and (before is None or before.opname != "LOAD_CONST" or before.argval):
            return False
        before = each
    return True
