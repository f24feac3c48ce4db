"""How a client is closed, and advice that closes it: told from its class, whichever library that is of."""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import textwrap
import unittest
from dataclasses import replace
from typing import Any

import pytest

from diagnostics.model.finding import Access, ClientFacts, Fault, Finding, Hint, LoopFacts, Site
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.capture.closers import can_be_closed, closer_of

OPEN: set[Any] = set()


class Kept:
    def __init__(self) -> None:
        OPEN.add(self)


class Managed(Kept):
    async def __aenter__(self) -> Managed:
        return self

    async def __aexit__(self, *_: object) -> None:
        OPEN.discard(self)


class Awaitable(Managed):
    """Can be opened once, by `await` or by `async with`, as a connection of aiosqlite."""

    opened = False

    async def __aenter__(self) -> Awaitable:
        assert not self.opened
        self.opened = True
        return self

    def __await__(self) -> Any:
        return self.__aenter__().__await__()


class Awaited(Kept):
    async def aclose(self) -> None:
        OPEN.discard(self)


class Plain(Kept):
    def close(self) -> None:
        if self not in OPEN:
            return
        OPEN.discard(self)


class Returning(Kept):
    def close(self) -> Any:
        return self._close()

    async def _close(self) -> None:
        OPEN.discard(self)


class InTwoSteps(Kept):
    closing = False

    def close(self) -> None:
        self.closing = True

    async def wait_closed(self) -> None:
        if self.closing:
            OPEN.discard(self)


class Decorated(Kept):
    @functools.wraps(Awaited.aclose)
    def close(self) -> Any:
        return Awaited.aclose(self)  # type: ignore[arg-type] # it is a method of any of these


class Passed:
    """As clients of motor are: what they offer are properties that return the methods of another object."""

    def __init__(self) -> None:
        self.delegate = Plain()

    close = property(lambda self: self.delegate.close)


class Nothing(Kept):
    """Offers nothing."""


@pytest.mark.parametrize(
    ("cls", "closer"),
    [
        (Managed, "async with"),
        (Awaitable, "async with or await"),
        (Awaited, "await aclose()"),
        (Plain, "close()"),
        (Returning, "maybe await close()"),
        (InTwoSteps, "close(); await wait_closed()"),
        (Decorated, "await close()"),
        (Nothing, ""),
        (asyncio.StreamWriter, "close(); await wait_closed()"),
        (asyncio.subprocess.Process, "kill(); await wait()"),
        (asyncio.Queue, ""),
        (asyncio.Semaphore, ""),
    ],
)
def test_a_class_tells_how_its_objects_are_closed(cls: type, closer: str) -> None:
    assert closer_of(cls) == closer
    assert closer == "" or can_be_closed(cls)


def test_a_property_that_passes_a_method_on_tells_it_with_an_object() -> None:
    assert closer_of(Passed, Passed()) == "close()"
    assert closer_of(Passed) == "maybe await close()"


MADE = Site("no such file", 3, "<module>", "client = …")


def advised(cls: type, closer: str, created_by: str = "asyncio.run") -> list[str]:
    client = ClientFacts("C1", f"library.{cls.__name__}", MADE, (MADE,), closer=closer)
    loops = [LoopFacts(name, "asyncio", MADE, created_by, None, None) for name in ("L1", "L2")]
    finding = Finding(
        "cross-loop-use",
        "error",
        1,
        "used",
        client,
        loops[0],
        None,
        Access("L2", MADE, "transport.write", "call", (MADE,), running=loops[1]),
        Fault("user", MADE, "why"),
        Hint(None, ""),
    )
    (cause,) = group([finding], ()).root_causes
    (left,) = group([replace(finding, kind="client-left-open")], ()).root_causes
    return [each.code for each in (*cause.advice, *left.advice) if each.code and "LoopLocal" not in each.code]


CLASSES = [Managed, Awaitable, Awaited, Plain, Returning, InTwoSteps, Decorated, Passed]


@pytest.mark.parametrize("cls", CLASSES)
def test_the_advice_closes_the_client(cls: type) -> None:
    thing: Any = cls()
    codes = advised(cls, closer_of(cls, thing))
    assert codes
    for code in codes:
        OPEN.clear()
        body = code.removeprefix("import inspect\n\n").removeprefix("async def main():\n")
        # `library.Class(...)` of the code is the class itself, called without arguments.
        source = f"async def main():\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
        names: dict[str, Any] = {cls.__name__: lambda _, cls=cls: cls(), "inspect": inspect}
        exec(compile(ast.parse(source), "advice", "exec"), names)
        asyncio.run(names["main"]())
        assert not OPEN, code


@pytest.mark.parametrize("cls", CLASSES)
def test_the_advice_for_unittest_closes_it(cls: type) -> None:
    thing: Any = cls()
    (code, *_) = advised(cls, closer_of(cls, thing), "IsolatedAsyncioTestCase")
    OPEN.clear()
    source = f"class Case(unittest.IsolatedAsyncioTestCase):\n{textwrap.indent(code, '    ')}\n"
    source += "    async def test(self): ...\n"
    names: dict[str, Any] = {cls.__name__: lambda _: cls(), "inspect": inspect, "unittest": unittest}
    exec(compile(ast.parse(source), "advice", "exec"), names)
    result = unittest.TestResult()
    names["Case"]("test").run(result)
    assert result.wasSuccessful(), result.errors
    assert not OPEN, code
