"""Suites drawn from a seed: who leaks, how it is dropped, scopes of fixtures and loops, when the collector runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SCOPES: Final = ("function", "module", "session")
WORKERS: Final = (*["-n0"] * 18, "-n2", "-n4")
_HEAD: Final = """
import asyncio
import contextlib
import gc

import httpx2
import pytest
import pytest_asyncio

from suite import URL, kept, use
"""
_SUITE: Final = """
import contextlib
import os

URL = os.environ["PEER"]
kept = []

async def use(client):
    with contextlib.suppress(RuntimeError):
        await client.get(URL)
"""
_CONFTEST: Final = """
import gc

gc.set_threshold(*{thresholds})
"""


@dataclass(frozen=True)
class Answer:
    """What is to be blamed for one client.

    Attributes:
        nodeids: the test, or those that may be the first to ask for a fixture of a wider scope.
        fixture: with its scope; empty for a client that the body of the test creates.
    """

    file: str
    line: int
    nodeids: frozenset[str]
    fixture: str
    scope: str


@dataclass(frozen=True)
class Suite:
    """A suite: its files, how many workers run it, and who is to be blamed."""

    files: dict[str, str]
    workers: str
    answers: tuple[Answer, ...]

    def write(self, folder: Path) -> Path:
        """Writes the files; returns the folder."""
        folder.mkdir(parents=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder


@dataclass
class _Leak:
    """A mistake that is drawn: its mark in the source, its fixture, the tests that ask for that."""

    mark: str
    fixture: str
    scope: str
    nodeids: set[str]


class _Module:
    """One file of tests."""

    def __init__(self, name: str, dice: random.Random) -> None:
        self.name = name
        self.dice = dice
        self.fixtures: list[str] = []
        self.tests: list[str] = []
        self.leaks: list[_Leak] = []
        self.count = 0

    def text(self) -> str:
        self.dice.shuffle(self.tests)
        return "\n\n".join([_HEAD, *self.fixtures, *self.tests, ""])

    def test(self, body: str, fixture: str = "", *, sync: bool = False) -> str:
        """Adds a test with this body, on a loop of some scope; returns its node id."""
        self.count += 1
        name = f"test_{self.count}"
        lines = ["    " + line for line in body.splitlines()]
        if sync:
            head = [f"def {name}({fixture}):", "    async def main():", *("    " + line for line in lines)]
            self.tests.append("\n".join([*head, "    asyncio.run(main())"]))
        else:
            mark = f'@pytest.mark.asyncio(loop_scope="{self.dice.choice(SCOPES)}")'
            self.tests.append("\n".join([mark, f"async def {name}({fixture}):", *lines]))
        return f"{self.name}::{name}"

    def innocent(self) -> None:
        """Adds a test without a mistake; in some the collector runs."""
        body = self.dice.choice(
            (
                "pass",
                "gc.collect()",
                "await asyncio.sleep(0)\ngc.collect()\nawait asyncio.sleep(0)",
                "async with httpx2.AsyncClient() as client:\n    await use(client)",
                "kept.append([[] for _ in range(2000)])",
            )
        )
        self.test(body, sync=self.dice.random() < 0.4)

    def guilty(self) -> None:
        """Adds a mistake: in the body of a test, or in a fixture that one to three tests ask for."""
        mark = f"# LEAK {len(self.leaks)}"
        if self.dice.random() < 0.5:
            dropped = self.dice.choice(("client.itself = client", "kept.append(client)", "client.closed = []"))
            body = f"client = httpx2.AsyncClient()  {mark}\n{dropped}\nawait use(client)"
            nodeid = self.test(body, sync=self.dice.random() < 0.3)
            self.leaks.append(_Leak(mark, "", "", {nodeid}))
            return
        scope, name = self.dice.choice(SCOPES), f"client_{len(self.leaks)}"
        if self.dice.random() < 0.5:
            head = f'@pytest.fixture(scope="{scope}")\ndef {name}():'
            lines = [f"client = httpx2.AsyncClient()  {mark}", "client.itself = client"]
        else:
            head = f'@pytest_asyncio.fixture(scope="{scope}", loop_scope="{scope}")\nasync def {name}():'
            lines = [f"client = httpx2.AsyncClient()  {mark}", "await use(client)"]
        lines.append(self.dice.choice(("return client", "yield client")))
        self.fixtures.append("\n".join([head, *("    " + line for line in lines)]))
        users = 1 if scope == "function" else self.dice.randint(1, 3)
        nodeids = {self.test(f"await use({name})", name, sync=False) for _ in range(users)}
        self.leaks.append(_Leak(mark, name, scope, nodeids))


def suite(seed: int) -> Suite:
    """Returns the suite of a seed."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    modules = [_Module(f"test_{number}.py", dice) for number in range(dice.randint(1, 3))]
    for _ in range(dice.randint(1, 3)):
        dice.choice(modules).guilty()
    for _ in range(dice.randint(2, 10)):
        dice.choice(modules).innocent()
    thresholds = dice.choice(((700, 10, 10), (50, 2, 2), (100_000, 10, 10), (0, 0, 0)))
    files = {module.name: module.text() for module in modules}
    files["suite.py"] = _SUITE
    files["conftest.py"] = _CONFTEST.format(thresholds=thresholds)
    files["pytest.ini"] = "[pytest]\nasyncio_default_fixture_loop_scope = function\n"
    answers = tuple(answer for module in modules for answer in _answers(module, files[module.name]))
    return Suite(files, dice.choice(WORKERS), answers)


def _answers(module: _Module, text: str) -> Iterator[Answer]:
    lines = text.splitlines()
    for leak in module.leaks:
        line = next(number for number, each in enumerate(lines, 1) if each.endswith(leak.mark))
        yield Answer(module.name, line, frozenset(leak.nodeids), leak.fixture, leak.scope)
