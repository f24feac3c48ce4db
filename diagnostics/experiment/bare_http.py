"""The two bare clients, `httpx` and `httpx2`, as people call a chat endpoint without an SDK.

They have no retries of their own, so a load's `retries` changes nothing here.
"""

from __future__ import annotations

from typing import Any

from diagnostics.experiment.program import CallTarget, Incompatible
from diagnostics.experiment.provider import ClientOptions, build, chat_body, load, need_aiohttp

_PATH = "/openai/v1/chat/completions"


class BareHTTP:
    """One generation of the bare client.

    Args:
        name: module and distribution, `httpx` or `httpx2`.
        aiohttp_client: module and class of its aiohttp transport, where there is one.
    """

    def __init__(self, name: str, aiohttp_client: tuple[str, str] | None) -> None:
        self.name = name
        self.distribution = name
        self._aiohttp_client = aiohttp_client

    def build(self, target: CallTarget, options: ClientOptions) -> Any:
        module = load(self.name)
        arguments: dict[str, Any] = {"base_url": target.url}
        if not options.keepalive:
            arguments["limits"] = module.Limits(max_keepalive_connections=0)
        if options.transport == "aiohttp":
            need_aiohttp(self.name)
            if self._aiohttp_client is None:
                raise Incompatible(f"{self.name} has no aiohttp transport")
            package, cls = self._aiohttp_client
            return build(getattr(load(package), cls), **arguments)
        return build(module.AsyncClient, **arguments)

    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any:
        return build(load(self.name).Client, base_url=target.url)

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

    async def close(self, client: Any) -> None:
        await client.aclose()

    def close_sync(self, client: Any) -> None:
        client.close()


def first_piece(line: str) -> str:
    """The text in one line of a chat completion stream, or nothing where the line holds none."""
    import json

    if not line.startswith("data: {"):
        return ""
    choices = json.loads(line[len("data: ") :])["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""
