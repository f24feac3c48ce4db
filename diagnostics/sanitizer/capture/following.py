"""What the variables of the person lead to, and what objects refer to: without calling anything of the program."""

from __future__ import annotations

import contextvars
import gc
import sys
import types
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from diagnostics.sanitizer.capture.holders import Variable, Wanted, locals_of
from diagnostics.sanitizer.capture.sites import is_ours, is_users, module_file

_OBJECTS_AT_MOST: Final = 50_000
_LONG: Final = 1000
_FEW: Final = 4
_PASSED_OVER: Final = (
    *(types.FrameType, types.ModuleType, types.CodeType, types.CoroutineType),
    *(types.GeneratorType, types.AsyncGeneratorType, types.TracebackType, type, contextvars.Context),
    *(str, bytes, int, float, complex, type(None)),
)
_OF_LOOPS: Final = ("_asyncio", "asyncio.events", "selectors")
"""Loops lead to everything that waits, not only to what a person keeps."""


class Variables:
    """The variables of the person, followed one step at a time, all of them; several questions share one of these.

    Args:
        waiting: frames of coroutines whose variables count, too.
    """

    def __init__(self, waiting: Iterable[types.FrameType] = ()) -> None:
        self._roots: dict[int, Variable] = {}
        self._seen: dict[int, tuple[int, Any, Any]] = {}  # number, the object and what refers to it
        self._level: list[Any] = []
        for variable, value in _variables(waiting):
            if id(value) not in self._roots and leads_on(value):
                self._roots[id(value)] = variable
                self._sees(value, None)

    def leading_to(self, wanted: Wanted) -> tuple[Variable, list[Any]] | None:
        """Returns the variable from which the nearest of these objects is reached, and the way there with both ends."""
        while True:
            seen = [self._seen[each] for each in wanted if each in self._seen]
            found = [each for each in seen if wanted[id(each[1])] is type(each[1])]
            if found:
                way = list(self._upwards(min(found)[1]))[::-1]
                return self._roots[id(way[0])], way
            if not self._level or len(self._seen) >= _OBJECTS_AT_MOST:
                return None
            self._step()

    def _step(self) -> None:
        left = _OBJECTS_AT_MOST - len(self._seen)
        step = [(each, inside(each)) for each in self._level]
        # What is wide holds data: it must not use up what deeper objects need.
        share = left if 2 * sum(len(found) for _, found in step) < left else max(left // 4 // len(step), _FEW)
        self._level = []
        for each, found in step:
            for one in found if len(found) <= 2 * share else (*found[:share], *found[-share:]):
                if id(one) not in self._seen and leads_on(one):
                    self._sees(one, each)

    def _sees(self, thing: Any, above: Any) -> None:
        self._seen[id(thing)] = len(self._seen), thing, above
        self._level.append(thing)

    def _upwards(self, thing: Any) -> Iterator[Any]:
        while thing is not None:
            yield thing
            thing = self._seen[id(thing)][2]


def _frames(waiting: Iterable[types.FrameType]) -> Iterator[types.FrameType]:
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
    yield from waiting


def _variables(waiting: Iterable[types.FrameType]) -> Iterator[tuple[Variable, Any]]:
    """The variables of the person: of the frames of this thread, then of the modules."""
    for frame in _frames(waiting):
        file = frame.f_code.co_filename
        if frame.f_code.co_name != "<module>" and is_users(file) and not is_ours(file):
            module = str(frame.f_globals.get("__name__", ""))
            for name, value in list(locals_of(frame).items()):
                yield Variable(name, module, file, frame.f_code.co_firstlineno), value
    for loaded in list(sys.modules.values()):
        place = module_file(loaded)
        if place is not None and is_users(place) and not is_ours(place):
            for name, value in list(vars(loaded).items()):
                if not name.startswith(("__", "@")):  # `@`: what pytest makes of an assertion
                    for inner, each in _values(name, value, loaded.__name__):
                        yield Variable(inner, loaded.__name__, place, 0), each
                    yield from _suspended(value, loaded.__name__)


def _suspended(generator: Any, module: str) -> Iterator[tuple[Variable, Any]]:
    """The local variables of a generator of the person's that is not at its end."""
    frame = getattr(generator, "ag_frame", None) if type(generator) is types.AsyncGeneratorType else None
    if frame is not None and is_users(frame.f_code.co_filename):
        for name, value in list(locals_of(frame).items()):
            yield Variable(name, module, frame.f_code.co_filename, frame.f_code.co_firstlineno), value


def _values(name: str, value: Any, module: str, depth: int = 1) -> list[tuple[str, Any]]:
    """Returns what a variable holds: of a class that its module defines, the attributes."""
    if not issubclass(type(value), type) or value.__module__ != module:
        return [(name, value)]
    inside = [(f"{name}.{inner}", each) for inner, each in vars(value).items() if not inner.startswith("__")]
    return [pair for inner, each in inside for pair in (_values(inner, each, module, 0) if depth else [(inner, each)])]


def inside(thing: Any) -> Sequence[Any]:
    """Returns what an object refers to: of a function its closure, not its module; of a long list both ends."""
    if type(thing) is types.FunctionType:
        return thing.__closure__ or ()
    found = thing if type(thing) in (list, tuple) else gc.get_referents(thing)
    return found if len(found) <= 2 * _LONG else [*found[:_LONG], *found[-_LONG:]]


def inside_callbacks(future: Any) -> list[Any]:
    """Returns what the callbacks of a future refer to: of the two that `asyncio` joins, the other one."""
    callbacks = getattr(future, "_done_callbacks", None) or getattr(future, "_callbacks", None) or ()
    return [value for each in callbacks for value in closure(each[0] if isinstance(each, tuple) else each)]


def closure(function: Any) -> list[Any]:
    """Returns what the variables of a function's closure hold."""
    values = []
    for each in getattr(function, "__closure__", None) or ():
        with suppress(ValueError):  # an empty cell
            values.append(each.cell_contents)
    return values


def leads_on(thing: Any) -> bool:
    """Returns whether an object may be on the way from a variable to a connection."""
    cls = type(thing)
    known = _leading.get(cls)
    if known is None:
        elsewhere = (
            cls.__module__ in _OF_LOOPS
            or cls.__name__.endswith("EventLoop")
            or str(cls.__module__).startswith("diagnostics.sanitizer")  # a class may have a property of that name
            or cls.__name__ == "StreamReader"  # of two that a person gets, the other one is closed
        )
        if len(_leading) >= _CLASSES_AT_MOST:
            _leading.clear()
        known = _leading[cls] = not (elsewhere or issubclass(cls, _PASSED_OVER))
    return known


_CLASSES_AT_MOST: Final = 4096
_leading: dict[type, bool] = {}
