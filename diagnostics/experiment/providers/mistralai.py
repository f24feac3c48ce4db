"""`mistralai`: chat completions. One client serves async and sync code, and `with` is what closes it.

Without a retry configuration the SDK does not retry, so a load's `retries` has no effect here.
"""

from __future__ import annotations

from typing import Any

from diagnostics.experiment.client import SDK
from diagnostics.experiment.program import CallTarget
from diagnostics.experiment.provider import ClientOptions, build, chat_body, load, need_aiohttp


class MistralAI(SDK):
    """The Mistral AI SDK."""

    def build(self, target: CallTarget, options: ClientOptions) -> Any:
        arguments: dict[str, Any] = {}
        if options.transport == "aiohttp":
            need_aiohttp(self.name)
            arguments["async_client"] = build(load("httpx_aiohttp").Httpx2AiohttpClient, follow_redirects=True)
        elif not options.keepalive:
            http = load(f"{self.library.module}.httpclient").httpx
            limits = http.Limits(max_keepalive_connections=0)
            arguments["async_client"] = build(http.AsyncClient, follow_redirects=True, limits=limits)
        return self._client(target, arguments)

    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any:
        return self._client(target, {})

    def _client(self, target: CallTarget, arguments: dict[str, Any]) -> Any:
        factory = getattr(load(self.library.module), self.library.client)
        return build(factory, server_url=target.url + self.path, api_key=target.api_key, **arguments)

    async def ask(self, client: Any, target: CallTarget, question: str) -> str:
        completion = await client.chat.complete_async(**chat_body(target, question))
        return str(completion.choices[0].message.content)

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str:
        return str(client.chat.complete(**chat_body(target, question)).choices[0].message.content)

    async def abandon(self, client: Any, target: CallTarget, question: str) -> str:
        stream = await client.chat.stream_async(**chat_body(target, question))
        async for event in stream:
            if event.data.choices[0].delta.content:
                return str(event.data.choices[0].delta.content)
        return ""

    def abandon_sync(self, client: Any, target: CallTarget, question: str) -> str:
        for event in client.chat.stream(**chat_body(target, question)):
            if event.data.choices[0].delta.content:
                return str(event.data.choices[0].delta.content)
        return ""

    async def close(self, client: Any) -> None:
        """Leaves `async with client`, then closes an HTTP client that the program supplied: the SDK does not."""
        http_client = client.sdk_configuration.async_client
        await client.__aexit__(None, None, None)
        if http_client is not None and not http_client.is_closed:
            await http_client.aclose()

    def close_sync(self, client: Any) -> None:
        client.__exit__(None, None, None)


PROVIDER = MistralAI("mistralai")
