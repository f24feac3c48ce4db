"""`google-genai`: generate_content, async (`client.aio`) and sync.

The client prefers aiohttp wherever it can be imported. There, the baseline already uses the aiohttp transport.
"""

from __future__ import annotations

from typing import Any

from diagnostics.experiment.client import SDK
from diagnostics.experiment.program import CallTarget, Incompatible
from diagnostics.experiment.provider import ClientOptions, build, load, need_aiohttp


class GoogleGenAI(SDK):
    """The Google Gen AI SDK against the Gemini Developer API."""

    def build(self, target: CallTarget, options: ClientOptions) -> Any:
        if options.transport == "aiohttp":
            need_aiohttp(self.name)
        arguments: dict[str, Any] = {}
        if not options.keepalive:
            api_client = load("google.genai._api_client")
            library = getattr(api_client, "httpx2", None) or getattr(api_client, "httpx", None)
            if library is None:
                raise Incompatible("this release of google-genai uses neither httpx nor httpx2")
            arguments["async_client_args"] = {"limits": library.Limits(max_keepalive_connections=0)}
        return self._client(target, options, arguments)

    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any:
        return self._client(target, options, {})

    def _client(self, target: CallTarget, options: ClientOptions, arguments: dict[str, Any]) -> Any:
        genai = load(self.library.module)
        retry = getattr(genai.types, "HttpRetryOptions", None)
        if retry is not None and "retry_options" in genai.types.HttpOptions.model_fields:
            arguments["retry_options"] = retry(attempts=options.retries + 1)
        try:
            http_options = genai.types.HttpOptions(base_url=target.url + self.path, **arguments)
        except ValueError as error:
            raise Incompatible(f"google-genai's HttpOptions does not take {sorted(arguments)}: {error}") from error
        return build(getattr(genai, self.library.client), api_key=target.api_key, http_options=http_options)

    async def ask(self, client: Any, target: CallTarget, question: str) -> str:
        response = await client.aio.models.generate_content(model=target.model, contents=question)
        return str(response.text)

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str:
        return str(client.models.generate_content(model=target.model, contents=question).text)

    async def abandon(self, client: Any, target: CallTarget, question: str) -> str:
        stream = await client.aio.models.generate_content_stream(model=target.model, contents=question)
        async for chunk in stream:
            if chunk.text:
                return str(chunk.text)
        return ""

    def abandon_sync(self, client: Any, target: CallTarget, question: str) -> str:
        for chunk in client.models.generate_content_stream(model=target.model, contents=question):
            if chunk.text:
                return str(chunk.text)
        return ""


PROVIDER = GoogleGenAI("google-genai")
