"""`anthropic`: messages, async and sync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostics.experiment.program import CallTarget
from diagnostics.experiment.provider import chat_body
from diagnostics.experiment.stainless import Stainless


class Anthropic(Stainless):
    """The Anthropic SDK."""

    async def ask(self, client: Any, target: CallTarget, question: str) -> str:
        message = await client.messages.create(**_body(target, question))
        return str(message.content[0].text)

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str:
        return str(client.messages.create(**_body(target, question)).content[0].text)

    async def abandon(self, client: Any, target: CallTarget, question: str) -> str:
        stream = await client.messages.create(stream=True, **_body(target, question))
        async for event in stream:
            if event.type == "content_block_delta":
                return str(event.delta.text)
        return ""

    def abandon_sync(self, client: Any, target: CallTarget, question: str) -> str:
        for event in client.messages.create(stream=True, **_body(target, question)):
            if event.type == "content_block_delta":
                return str(event.delta.text)
        return ""


def _body(target: CallTarget, question: str) -> Mapping[str, Any]:
    return {**chat_body(target, question), "max_tokens": 64}


PROVIDER = Anthropic("anthropic")
