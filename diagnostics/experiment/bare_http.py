"""The two bare clients, `httpx` and `httpx2`, as programs call a chat endpoint without an SDK.

They do not retry, so a load's `retries` has no effect here.
"""

from __future__ import annotations

from typing import Any

from diagnostics.experiment.client import Client
from diagnostics.experiment.program import CallTarget
from diagnostics.experiment.provider import ClientOptions, build, chat_body, load, need_aiohttp
from diagnostics.model.libraries import LIBRARIES

_PATH = "/openai/v1/chat/completions"


class BareHTTP(Client):
    """One generation of the bare client.

    Args:
        name: its distribution, `httpx` or `httpx2`.
        aiohttp_client: the class of httpx-aiohttp that is this client with the aiohttp transport.
    """

    def __init__(self, name: str, aiohttp_client: str) -> None:
        super().__init__(name)
        self._aiohttp_client = aiohttp_client

    def build(self, target: CallTarget, options: ClientOptions) -> Any:
        module = load(self.library.module)
        arguments: dict[str, Any] = {"base_url": target.url}
        if not options.keepalive:
            arguments["limits"] = module.Limits(max_keepalive_connections=0)
        if options.transport == "aiohttp":
            need_aiohttp(self.name)
            transport = load(LIBRARIES["httpx-aiohttp"].module)
            return build(getattr(transport, self._aiohttp_client), **arguments)
        return build(getattr(module, self.library.client), **arguments)

    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any:
        return build(getattr(load(self.library.module), self.library.sync_client), base_url=target.url)

    async def ask(self, client: Any, target: CallTarget, question: str) -> str:
        response = await client.post(_PATH, json=chat_body(target, question))
        response.raise_for_status()
        return str(response.json()["choices"][0]["message"]["content"])

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str:
        response = client.post(_PATH, json=chat_body(target, question))
        response.raise_for_status()
        return str(response.json()["choices"][0]["message"]["content"])

    async def abandon(self, client: Any, target: CallTarget, question: str) -> str:
        request = client.build_request("POST", _PATH, json={**chat_body(target, question), "stream": True})
        response = await client.send(request, stream=True)
        response.raise_for_status()
        async for line in response.aiter_lines():
            piece = first_piece(line)
            if piece:
                return piece
        return ""

    def abandon_sync(self, client: Any, target: CallTarget, question: str) -> str:
        request = client.build_request("POST", _PATH, json={**chat_body(target, question), "stream": True})
        response = client.send(request, stream=True)
        response.raise_for_status()
        for line in response.iter_lines():
            piece = first_piece(line)
            if piece:
                return piece
        return ""


def first_piece(line: str) -> str:
    """The text in one line of a chat completion stream, or nothing where the line holds none."""
    import json

    if not line.startswith("data: {"):
        return ""
    choices = json.loads(line[len("data: ") :])["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""
