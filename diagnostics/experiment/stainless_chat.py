"""SDKs that Stainless generates whose calls are chat completions."""

from __future__ import annotations

from typing import Any

from diagnostics.experiment.program import CallTarget
from diagnostics.experiment.provider import chat_body
from diagnostics.experiment.stainless import Stainless


class StainlessChat(Stainless):
    """Chat completions, async and sync."""

    async def ask(self, client: Any, target: CallTarget, question: str) -> str:
        completion = await client.chat.completions.create(**chat_body(target, question))
        return str(completion.choices[0].message.content)

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str:
        completion = client.chat.completions.create(**chat_body(target, question))
        return str(completion.choices[0].message.content)

    async def abandon(self, client: Any, target: CallTarget, question: str) -> str:
        stream = await client.chat.completions.create(stream=True, **chat_body(target, question))
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                return str(chunk.choices[0].delta.content)
        return ""

    def abandon_sync(self, client: Any, target: CallTarget, question: str) -> str:
        for chunk in client.chat.completions.create(stream=True, **chat_body(target, question)):
            if chunk.choices and chunk.choices[0].delta.content:
                return str(chunk.choices[0].delta.content)
        return ""
