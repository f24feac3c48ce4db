"""`shared-client`: one client, kept by a variable, a class or an object, is used by several runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.repeats import SharedUse, shared_uses
from diagnostics.rewrite.rules.engine.shown import advice, lines
from diagnostics.rewrite.rules.engine.suites import between_requests, between_tests
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
A connection of the pool belongs to the loop of the run that opened it. The next run has another loop: its calls
fail with "Event loop is closed", or are sent again without notice. Reported where one process makes both runs: a
run in a loop, two runs that follow each other, a run for each request or task, or tests with a loop each. A run
that closes the client is fine. Locks and queues count where a run has several tasks."""

WRONG = """\
import asyncio

from openai import AsyncOpenAI

client = AsyncOpenAI()


async def ask(question):
    return await client.responses.create(model="gpt-5", input=question)


for question in ("one", "two"):
    print(asyncio.run(ask(question)))
"""

RIGHT = """\
import asyncio

from openai import AsyncOpenAI


async def ask(question):
    async with AsyncOpenAI() as client:
        return await client.responses.create(model="gpt-5", input=question)


for question in ("one", "two"):
    print(asyncio.run(ask(question)))
"""


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client that a variable or an object keeps."""
    for shared in (*shared_uses(reader), *_first_of_each([*between_tests(reader), *between_requests(reader)])):
        client = shared.use.client
        elsewhere = shared.fork is not None or any(event.threaded for event in shared.events)
        if client.by != "cache" and shared.kind != "library" and not elsewhere:
            message = f"one {client.maker.title} is used by several runs, each with a loop of its own"
            yield message, lines(shared), advice(shared)


def _first_of_each(found: Iterable[SharedUse]) -> list[SharedUse]:
    return list({shared.use.client.call: shared for shared in reversed([*found])}.values())


RULE = CheckRule(
    "EL001", "shared-client", "one client is used by several runs, each with a loop of its own", WHY, WRONG, RIGHT, find
)
