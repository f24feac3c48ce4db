"""How a client is closed, and advice that closes it: told from its class, whichever library that is of."""

from __future__ import annotations

import ast
import asyncio
import functools
import inspect
import textwrap
import unittest
from collections.abc import Sequence
from pathlib import Path
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


class BothWays(Kept):
    """Closes a part of its own for each of sync and async code, as stripe's HTTPXClient."""

    def close(self) -> None:
        """Closes what sync calls opened."""

    async def close_async(self) -> None:
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


class OfAPart(Kept):
    async def close_session(self) -> None:
        OPEN.discard(self)


class OfItsPool(Kept):
    async def close_connection_pool(self) -> None:
        OPEN.discard(self)


class OfAnother(Kept):
    def close_session(self, session: object) -> None:
        """Closes what it gets."""


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
        (BothWays, "await close_async()"),
        (Plain, "close()"),
        (Returning, "maybe await close()"),
        (InTwoSteps, "close(); await wait_closed()"),
        (Decorated, "await close()"),
        (OfAPart, "await close_session()"),
        (OfItsPool, "await close_connection_pool()"),
        (OfAnother, ""),
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


def causes(client: ClientFacts, kind: str, created_by: str = "asyncio.run", frameworks: Sequence[str] = ()) -> Any:
    loops = [LoopFacts(name, "asyncio", MADE, created_by, None, None) for name in ("L1", "L2")]
    access = Access("L2", MADE, "transport.write", "call", (MADE,), running=loops[1])
    fault, hint = Fault("user", MADE, "why"), Hint(None, "")
    return group(
        [Finding(kind, "error", 1, "used", client, loops[0], None, access, fault, hint)], frameworks
    ).root_causes


def advised(cls: type, closer: str, created_by: str = "asyncio.run") -> list[str]:
    client = ClientFacts("C1", f"library.{cls.__name__}", MADE, (MADE,), closer=closer)
    found = [*causes(client, "cross-loop-use", created_by), *causes(client, "client-left-open", created_by)]
    return [each.code for cause in found for each in cause.advice if each.code and "LoopLocal" not in each.code]


def test_a_class_of_the_program_is_to_get_a_method_that_closes_it(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text("class Link:\n    ...\n\n\nlink = Link()\n")
    made = Site(str(file), 5, "<module>", "link = Link()")
    (cause,) = causes(ClientFacts("C1", "program.Link", made, (made,)), "cross-loop-use")
    assert "method `aclose()`" in cause.advice[0].text
    assert "await link.aclose()" in cause.advice[0].code


def test_an_import_of_mangum_does_not_make_a_handler() -> None:
    (cause,) = causes(
        ClientFacts("C1", "httpx.AsyncClient", MADE, (MADE,), closer="async with"),
        "cross-loop-use",
        frameworks=["mangum"],
    )
    assert "inside each run" in cause.advice[0].text


def test_a_stream_is_closed_with_what_its_library_offers() -> None:
    (cause,) = causes(ClientFacts("C1", "openai.AsyncOpenAI", MADE, (MADE,), closer="async with"), "abandoned-stream")
    assert "await stream.close()" in cause.advice[0].code


CLASSES = [Managed, Awaitable, Awaited, BothWays, Plain, Returning, InTwoSteps, Decorated, Passed]


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
