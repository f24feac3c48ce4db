"""A program with a mistake that needs no package, and its fix by hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.rewrite.proof.copies import Tree
from diagnostics.rewrite.proof.observe import Program, Runner
from diagnostics.rewrite.proof.prover import Prover

if TYPE_CHECKING:
    from collections.abc import Callable

BROKEN = """\
import asyncio

queue = asyncio.Queue()


async def work(number):
    asyncio.get_running_loop().call_later(0.001, queue.put_nowait, number)
    return await queue.get()


for number in range(2):
    print("got", asyncio.run(work(number)))
"""
FIXED = BROKEN.replace("queue = asyncio.Queue()\n\n\n", "\n").replace(
    "    asyncio.get_running", "    queue = asyncio.Queue()\n    asyncio.get_running"
)
LINE = "import asyncio\n\n\nasync def main():\n    return 1\n\n\n"
"""The beginning of a program that needs a loop."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the broken program."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "app.py").write_text(BROKEN, encoding="utf-8")
    return folder


@pytest.fixture
def prover(folder: Path) -> Callable[..., Prover]:
    """Makes a prover of `app.py`, after a change of it if one is given."""

    def build(text: str | None = None, *, trials: int = 2, limit: float = 60.0) -> Prover:
        if text is not None:
            (folder / "app.py").write_text(text, encoding="utf-8")
        program = Program(("app.py",), Path(sys.executable), {**os.environ}, limit)
        return Prover(program, Tree(folder), trials, Runner(2), lambda *_: None)

    return build
