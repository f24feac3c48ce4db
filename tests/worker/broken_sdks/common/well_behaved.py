"""What the broken packages have in common: a client that answers by itself, and misbehaves only in a trial.

Imported inside the environment under test, so the standard library is all there is. The worker's first call asks
something else than a trial does; by that the two are told apart.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def in_a_trial(question: str) -> bool:
    return question.startswith("run ")


def tell_that_it_began() -> None:
    """Writes this process's id into the named pipe of its environment, where a test has made one."""
    pipe = Path(sys.prefix, "began")
    if pipe.exists():
        pipe.write_text(f"{os.getpid()}\n", encoding="utf-8")


def chunk(text: str) -> SimpleNamespace:
    return SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(content=text))])


class Answer:
    """What a call gives: read whole or piece by piece, with `async for` or `for`."""

    def __init__(self, question: str) -> None:
        self.choices = [SimpleNamespace(message=SimpleNamespace(content=f"echo: {question}"))]

    async def __aiter__(self) -> AsyncIterator[SimpleNamespace]:
        yield chunk("echo: ")

    def __iter__(self) -> Iterator[SimpleNamespace]:
        yield chunk("echo: ")


def clients(misbehave: Callable[[str], object]) -> tuple[type, type]:
    """`AsyncOpenAI` and `OpenAI`, which call a function with the question before they answer."""

    class AsyncOpenAI:
        def __init__(self, **_: Any) -> None:
            self.chat = SimpleNamespace(completions=self)

        async def create(self, *, messages: list[dict[str, str]], **_: Any) -> Answer:
            question = messages[0]["content"]
            misbehave(question)
            return Answer(question)

        async def close(self) -> None:
            pass

    class OpenAI:
        def __init__(self, **_: Any) -> None:
            self.chat = SimpleNamespace(completions=self)

        def create(self, *, messages: list[dict[str, str]], **_: Any) -> Answer:
            question = messages[0]["content"]
            misbehave(question)
            return Answer(question)

        def close(self) -> None:
            pass

    return AsyncOpenAI, OpenAI
