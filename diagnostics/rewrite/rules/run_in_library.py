"""`run-in-library`: a public function starts a loop for each call, over a client that is kept between the calls."""

from __future__ import annotations

from collections.abc import Iterator

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.repeats import shared_uses
from diagnostics.rewrite.rules.engine.shown import advice, lines
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The first call works and leaves connections of a closed loop in the client; the second one meets them. Reported for
public functions that return what their run returns, and so are there to be called again. Entry points such as
`main` and `run`, and functions that keep no client, are not reported."""

WRONG = """\
import asyncio

from anthropic import AsyncAnthropic


class Assistant:
    def __init__(self):
        self.client = AsyncAnthropic()

    async def ask_async(self, text):
        return await self.client.messages.create(model="claude", max_tokens=9, messages=[text])

    def ask(self, text):
        return asyncio.run(self.ask_async(text))
"""

RIGHT = """\
import asyncio

from anthropic import AsyncAnthropic


class Assistant:
    async def ask_async(self, text):
        async with AsyncAnthropic() as client:
            return await client.messages.create(model="claude", max_tokens=9, messages=[text])

    def ask(self, text):
        return asyncio.run(self.ask_async(text))
"""


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client that a function for callers keeps between its runs."""
    for shared in shared_uses(reader):
        client = shared.use.client
        if shared.kind == "library" and client.by != "cache":
            (event,) = shared.events
            message = (
                f"`{event.scope.qualified}` starts a loop for each call, "
                f"and keeps one {client.maker.title} between them"
            )
            yield message, lines(shared), advice(shared)


RULE = CheckRule(
    "EL007",
    "run-in-library",
    "a function for callers starts a loop for each call over a kept client",
    WHY,
    WRONG,
    RIGHT,
    find,
)
