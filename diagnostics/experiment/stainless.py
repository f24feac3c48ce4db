"""SDKs that Stainless generates: all are built, configured and closed in the same way."""

from __future__ import annotations

from typing import Any

from diagnostics.experiment.client import SDK
from diagnostics.experiment.program import CallTarget, Incompatible
from diagnostics.experiment.provider import ClientOptions, build, load, need_aiohttp
from diagnostics.model.libraries import modules


class Stainless(SDK):
    """Builds clients; each SDK adds its calls."""

    def build(self, target: CallTarget, options: ClientOptions) -> Any:
        module = load(self.library.module)
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
            getattr(module, self.library.client),
            base_url=target.url + self.path,
            api_key=target.api_key,
            max_retries=options.retries,
            **arguments,
        )

    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any:
        return build(
            getattr(load(self.library.module), self.library.sync_client),
            base_url=target.url + self.path,
            api_key=target.api_key,
            max_retries=options.retries,
        )


def _limits(factory: Any) -> Any:
    """No idle connections, in the words of whichever HTTP library the SDK's client class comes from."""
    for cls in factory.__mro__:
        library = cls.__module__.split(".")[0]
        if library in modules("client"):
            return load(library).Limits(max_keepalive_connections=0)
    raise Incompatible(f"{factory.__qualname__} is not an httpx or httpx2 client, so it has no limits to set")
