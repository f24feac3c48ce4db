"""Who holds a client: the object a person made, its class, and the variable that keeps it.

SDKs wrap HTTP clients, and nobody has a list of all SDKs. So the answer comes from the stack at the moment the HTTP
client is created. A constructor that the person's own line calls hands the client to that person, however many
constructors are in between. So does a method of an object that creates its connections on first use, if that object can
be closed. A plain function of a package that creates a client, with a cache around it as a rule, keeps it for the
package; a helper in the module of the constructor that calls it, without a cache or a global variable, does not.
"""

from __future__ import annotations

import itertools
import re
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from opcode import opmap
from os.path import dirname
from types import FrameType, MemberDescriptorType, ModuleType
from typing import Any, Final, NamedTuple

from diagnostics.sanitizer.capture.closers import can_be_closed, closer_of
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.sites import (
    belongs,
    file_in,
    in_stdlib,
    is_generated,
    is_ours,
    is_users,
    module_file,
)

CONSTRUCTORS: Final = ("__init__", "__new__", "__post_init__", "__attrs_post_init__")
FACTORY: Final = re.compile(r"(?:build|connect|create|from|init|make|open)(?:_|$)")
DEPTH: Final = 3
_WIDTH: Final = 100
MAX_SEARCHES: Final = 3

Wanted = Mapping[int, type]
"""Objects to search for: their ids and classes."""


class ClientHolder(NamedTuple):
    """The object that a person has in hand.

    Attributes:
        type: its class, as one writes it; empty where it is not known.
        ref: to the object; `None` where it takes no weak reference or is not known.
        is_persons: whether the person holds it, rather than the package whose code created the client.
        how: `made` while the object itself was made, `opened` if that opened a connection, `used` when the object was
            first used, `unseen` if that was without a line of the person's on the stack: it is theirs where a variable
            of theirs keeps it.
        closer: how it is closed: see `closers`; empty where that is not known.
    """

    type: str
    ref: weakref.ref[Any] | None
    is_persons: bool
    how: str = "made"
    closer: str = ""


class Variable(NamedTuple):
    """A variable of the person's code.

    Attributes:
        name: as one writes it: `client`, `state['client']`, `service.client`.
        module: that it belongs to.
        file: of that module.
        function: the first line of the function whose local variable it is; 0 for a module's.
        type: the class of a package whose object it keeps, and how that is closed: see `ClientHolder`.
    """

    name: str
    module: str
    file: str
    function: int
    type: str = ""
    closer: str = ""


@gc_neutral
def holder(frame: FrameType | None, package: str) -> ClientHolder | None:
    """Finds who holds a client that is being created.

    Args:
        frame: of the code that creates it.
        package: of the client's own library, whose frames do not count.

    Returns:
        `None` where the person's own code creates the client itself, or where nothing is known.
    """
    library: list[FrameType] = []
    while frame is not None:
        file = file_in(frame)
        if is_users(file) and not is_generated(frame.f_code) and not is_ours(file):
            break
        if not (in_stdlib(file) or is_ours(file) or belongs(file, package) or is_generated(frame.f_code)):
            library.append(frame)
        frame = frame.f_back
    if not library:
        return None
    if frame is None:
        return _without_line(library)
    creator, outermost = library[0], library[-1]
    wrapped = receiver_of(outermost)
    if wrapped is None:  # a decorator's wrapper, which passes on what it gets
        passed = _first(outermost)
        wrapped = next((passed for each in library[:-1] if passed is not None and receiver_of(each) is passed), None)
    name = outermost.f_code.co_name
    if _is_constructor(outermost):
        caller = next((each for each in library if receiver_of(each) is not None), creator)
        files = [each.f_code.co_filename for each in (caller, creator)]
        is_near = files[0] == files[1] or (dirname(files[0]) == dirname(files[1]) and not any(map(_stores, library)))
        is_part = is_near and not any(map(_keeps, library))
        return _described(wrapped, is_persons=receiver_of(creator) is not None or is_part)
    made = next((each for each in reversed(library) if each.f_code.co_name in CONSTRUCTORS), None)
    opens = made is None and wrapped is not None and not isinstance(wrapped, type) and can_be_closed(type(wrapped))
    if FACTORY.match(name) and not opens:
        receiver = receiver_of(made) if made is not None else None
        return _described(receiver, is_persons=made is not None or creator is outermost)
    if wrapped is None and creator is outermost and not (_keeps(creator) or _stores(creator)):
        return ClientHolder("", None, is_persons=False, how="unseen")
    if wrapped is None or _is_kept_elsewhere(library):
        return ClientHolder("", None, is_persons=False)
    return _described(wrapped, is_persons=can_be_closed(type(wrapped)))._replace(how="used")


def _is_kept_elsewhere(library: list[FrameType]) -> bool:
    """Whether a method got a client from plain functions, of which one may keep it: it is new if none of them does."""
    plain = [*itertools.takewhile(lambda each: receiver_of(each) is None, library)]
    near = {_top(each) for each in library[: len(plain) + 1]}
    return bool(plain) and (len(near) > 1 or any(_keeps(each) or _stores(each) for each in plain))


def _keeps(frame: FrameType) -> bool:
    """Whether a frame runs a plain function that keeps what it makes: with a cache, or in a global variable."""
    code = frame.f_code
    if receiver_of(frame) is not None:
        return False
    if hasattr(dict.get(frame.f_globals, code.co_name), "cache_info"):
        return True
    return opmap["STORE_GLOBAL"] in code.co_code[::2]


def _stores(frame: FrameType) -> bool:
    """Whether a frame runs a plain function that puts something into a container, which may be a cache."""
    return receiver_of(frame) is None and opmap["STORE_SUBSCR"] in frame.f_code.co_code[::2]


def _without_line(library: list[FrameType]) -> ClientHolder | None:
    """The object of a package whose method creates the client, where another thread or task runs that method."""
    package = _top(library[0])
    outermost = [*itertools.takewhile(lambda each: _top(each) == package, library)][-1]
    receiver = receiver_of(outermost)
    if receiver is None or isinstance(receiver, type) or not can_be_closed(type(receiver)):
        return None
    return _described(receiver, is_persons=False)._replace(how="unseen")


def _top(frame: FrameType) -> str:
    return str(dict.get(frame.f_globals, "__name__")).partition(".")[0]


def locals_of(frame: FrameType) -> Mapping[str, Any]:
    """The local variables of a frame, without a copy that outlives the look.

    Before Python 3.13 the frame keeps the dict that `f_locals` returns, and with it objects that the program drops
    later: a client that should be collected would not be.
    """
    names = frame.f_locals
    if sys.version_info >= (3, 13) or not frame.f_code.co_flags & 0x01:  # inspect.CO_OPTIMIZED: a function's
        return names
    found = dict(names)
    names.clear()
    return found


def local(frame: FrameType, name: str) -> Any:
    """A local variable of a frame; `None` if there is none. Cheaper than `locals_of`, and as short-lived."""
    code = frame.f_code
    if name not in code.co_varnames and name not in code.co_freevars:
        return None
    names = frame.f_locals
    found = names.get(name)
    if sys.version_info < (3, 13) and code.co_flags & 0x01:  # see `locals_of`
        names.clear()
    return found


def _is_constructor(frame: FrameType) -> bool:
    return frame.f_code.co_name in CONSTRUCTORS or isinstance(_first(frame), type)


def _first(frame: FrameType) -> Any:
    """The first argument of a function; of a wrapper that passes on what it gets, the first of those."""
    code = frame.f_code
    if code.co_argcount:
        return locals_of(frame).get(code.co_varnames[0])
    if code.co_flags & 0x04:  # inspect.CO_VARARGS
        given = locals_of(frame).get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
        return given[0] if isinstance(given, tuple) and given else None
    return None


def receiver_of(frame: FrameType) -> Any:
    """The object whose method a frame runs, or whose class; `None` for a plain function."""
    code, first = frame.f_code, _first(frame)
    if first is None or isinstance(first, (str, bytes, int, float, dict, list, tuple, set, ModuleType)):
        return None
    if isinstance(first, type):
        return first
    named_self = bool(code.co_argcount) and code.co_varnames[0] in ("self", "__pydantic_self__")
    return first if named_self or hasattr(type(first), code.co_name) else None


def _described(receiver: Any, *, is_persons: bool) -> ClientHolder:
    if receiver is None:
        return ClientHolder("", None, is_persons)
    cls = receiver if isinstance(receiver, type) else type(receiver)
    closer = closer_of(cls, receiver)
    reference = None
    if cls is not receiver:
        try:
            reference = weakref.ref(receiver)
        except TypeError:  # it takes none
            reference = None
    return ClientHolder(f"{_package(cls)}.{cls.__qualname__}", reference, is_persons, closer=closer)


def _package(cls: type) -> str:
    """The package that a class is imported from; of a namespace package, such as `azure`, the portion."""
    parts = str(cls.__module__).split(".")
    top = sys.modules.get(parts[0])
    return ".".join(parts[:2]) if getattr(top, "__file__", None) is None and len(parts) > 1 else parts[0]


@gc_neutral
def local_variable(*held: Any) -> Variable | None:
    """Finds a local variable of the person's code that keeps one of these objects; not an argument, which got it."""
    return _local({id(each): type(each) for each in held if each is not None}, arguments=False)


def _local(wanted: Wanted, *, arguments: bool, depth: int = 1, waiting: Iterable[FrameType] = ()) -> Variable | None:
    for frame in itertools.chain(_callers(), waiting) if wanted else ():
        code = frame.f_code
        if code.co_name != "<module>" and is_users(code.co_filename) and not is_ours(code.co_filename):
            given = () if arguments else code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
            for name, value in list(locals_of(frame).items()):
                found = reaches(name, value, wanted, depth)
                if found is not None and found not in given:
                    module = str(frame.f_globals.get("__name__", ""))
                    return Variable(found, module, code.co_filename, code.co_firstlineno, *_written(value))
    return None


def _callers() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


@gc_neutral
def variable(*held: Any) -> Variable | None:
    """Finds a variable of the person's code that keeps one of these objects, directly or inside another one.

    Looks at the frames of this thread first, then at the modules. Nothing is imported or called.
    """
    return variable_of({id(each): type(each) for each in held if each is not None})


def variable_of(wanted: Wanted, waiting: Iterable[FrameType] = ()) -> Variable | None:
    """Does the same for objects of which only the address and the class are known.

    Args:
        wanted: the objects.
        waiting: frames of coroutines that wait for this thread.
    """
    if not wanted:
        return None
    local = _local(wanted, arguments=True, depth=2, waiting=waiting)
    if local is not None:
        return local
    for name, loaded in list(sys.modules.items()):
        place = module_file(loaded)
        if place is not None and is_users(place) and not is_ours(place):
            for key, value in list(vars(loaded).items()):
                found = reaches(key, value, wanted, DEPTH)
                if found is not None:
                    return Variable(found, name, place, 0, *_written(value))
    return None


def _written(value: Any) -> tuple[str, str]:
    cls = type(value)
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if file is None or is_users(file) or in_stdlib(file):
        return "", ""
    return f"{_package(cls)}.{cls.__qualname__}", closer_of(cls, value)


def reaches(name: str, value: Any, wanted: Wanted, depth: int) -> str | None:
    """Returns how one writes the way from a variable to one of these objects, if its value leads there."""
    if wanted.get(id(value)) is type(value) and not name.startswith("@"):  # a variable that pytest's assertions make
        return name
    if depth == 0 or name.startswith(("__", "@")):
        return None
    for inside, each in contents(name, value):
        found = reaches(inside, each, wanted, depth - 1)
        if found is not None:
            return found
    return None


def contents(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yields what a value holds, each with how one writes the way there, without running code of the program."""
    # By type and not by `isinstance`, which asks a proxy for its `__class__` and so runs code of the program.
    cls = type(value)
    if issubclass(cls, dict):
        # Only a text's `repr` is the same in every run, and runs no code of the program.
        found = ((repr(key) if type(key) is str else "...", each) for key, each in list(value.items())[:_WIDTH])
        yield from ((f"{name}[{key}]", each) for key, each in found)
    elif issubclass(cls, (list, tuple)):
        yield from ((f"{name}[{at}]", each) for at, each in enumerate(value[:_WIDTH]))
    elif issubclass(cls, type):
        if is_users(str(getattr(sys.modules.get(value.__module__), "__file__", None) or "<")):
            yield from ((f"{name}.{key}", each) for key, each in list(vars(value).items())[:_WIDTH])
    elif not issubclass(cls, (ModuleType, str, bytes, int, float)):
        attributes = attributes_of(value)
        if isinstance(attributes, dict):
            yield from ((f"{name}.{key}", each) for key, each in list(attributes.items())[:_WIDTH])
        for key, slot in _slots(cls) if attributes is None else ():
            with suppress(AttributeError):  # it is empty
                yield f"{name}.{key}", slot.__get__(value)


def _slots(cls: type) -> Iterator[tuple[str, Any]]:
    """Yields the slots that classes of the person's have; reading one runs no code of theirs."""
    for each in cls.__mro__:
        if "__slots__" in each.__dict__ and is_users(str(getattr(sys.modules.get(each.__module__), "__file__", "<"))):
            yield from ((key, slot) for key, slot in list(vars(each).items()) if type(slot) is MemberDescriptorType)


def attributes_of(value: Any) -> Any:
    """Returns the `__dict__` of an object, without running code of the program; `None` where it has none."""
    try:
        return object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None


@gc_neutral
def search(client: Any) -> None:
    """Finds the variable that keeps a client, given its record; the variable may be gone when the program ends."""
    if client.variable is None and client.searches < MAX_SEARCHES:
        client.searches += 1
        held = client.holder.ref() if client.holder is not None and client.holder.ref is not None else None
        client.variable = variable(client.ref(), held)
