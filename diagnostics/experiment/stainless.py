"""What the SDKs of OpenAI and Anthropic share: they come from one generator and are built, retried and closed alike."""

from __future__ import annotations

from typing import Any

from diagnostics.experiment.program import CallTarget, Incompatible
from diagnostics.experiment.provider import ClientOptions, build, load, need_aiohttp


class Stainless:
    """Building and closing; each SDK adds how it is asked.

    Args:
        name: module and distribution.
        client: class name of the sync client; the async one has `Async` before it.
        path: what the SDK's base URL adds to the target.
    """

    def __init__(self, name: str, client: str, path: str) -> None:
        self.name = name
        self.distribution = name
        self._client = client
        self._path = path

    def build(self, target: CallTarget, options: ClientOptions) -> Any:
        module = load(self.name)
        arguments: dict[str, Any] = {}
        if options.transport == "aiohttp":
            need_aiohttp(self.name)
            factory = getattr(module, "DefaultAioHttpClient", None)
            if factory is None:
                raise Incompatible(f"this release of {self.name} has no aiohttp transport (DefaultAioHttpClient)")
            try:
                arguments["http_client"] = build(factory)
            except RuntimeError as error:  # how the SDK says that a package of its aiohttp extra is missing
                raise Incompatible(f"{self.name}: {error}") from error
        elif not options.keepalive:
            factory = getattr(module, "DefaultAsyncHttpxClient", None)
            if factory is None:
                raise Incompatible(f"this release of {self.name} has no DefaultAsyncHttpxClient to set limits on")
            arguments["http_client"] = build(factory, limits=_limits(factory))
        return build(
            getattr(module, f"Async{self._client}"),
            base_url=target.url + self._path,
            api_key=target.api_key,
            max_retries=options.retries,
            **arguments,
        )

    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any:
        return build(
            getattr(load(self.name), self._client),
            base_url=target.url + self._path,
            api_key=target.api_key,
            max_retries=options.retries,
        )

    async def close(self, client: Any) -> None:
        await client.close()

    def close_sync(self, client: Any) -> None:
        client.close()


def _limits(factory: Any) -> Any:
    """No idle connections, in the words of whichever HTTP library the SDK's client class comes from."""
    for cls in factory.__mro__:
        library = cls.__module__.split(".")[0]
        if library in ("httpx", "httpx2"):
            return load(library).Limits(max_keepalive_connections=0)
    raise Incompatible(f"{factory.__qualname__} is not an httpx or httpx2 client, so it has no limits to set")
