"""Many calls at once, each exactly once, every answer in the place of its question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from diagnostics.jets.progress import Tick

Q = TypeVar("Q")
A = TypeVar("A")


async def each_in_its_place(
    questions: Sequence[Q], ask: Callable[[Q], Awaitable[A]], max_concurrent: int, tick: Tick = lambda: None
) -> list[A]:
    """Asks every question once, at most `max_concurrent` at a time.

    Returns:
        The answers, in the order of the questions.

    Raises:
        Exception: the first one of a call; the other calls are cancelled.
    """
    answers: dict[int, A] = {}
    # One iterator for all: no call is made twice, and a thousand jets are not a thousand tasks.
    waiting: Iterator[tuple[int, Q]] = iter(enumerate(questions))

    async def work() -> None:
        for number, question in waiting:
            answers[number] = await ask(question)
            tick()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(max_concurrent, len(questions))):
                group.create_task(work())
    except BaseExceptionGroup as failed:  # noqa: F821 - ruff checks for the inside zone's Python
        raise failed.exceptions[0] from None
    return [answers[number] for number in range(len(questions))]
