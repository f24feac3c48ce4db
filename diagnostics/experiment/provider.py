"""The interface of a provider: a client library as its users call it, async and sync, from creation to close."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from diagnostics.experiment.program import CallTarget, Incompatible


@dataclass(frozen=True)
class ClientOptions:
    """How a client differs from the one in the library's documentation.

    Attributes:
        retries: the SDK's retry budget for a call.
        keepalive: whether idle connections stay in the pool.
        transport: `default`, or `aiohttp` for the library's own aiohttp transport.
    """

    retries: int = 2
    keepalive: bool = True
    transport: str = "default"


class Provider(Protocol):
    """A client library as its users call it.

    `ask` returns the whole answer; `abandon` opens a stream, returns its first piece and stops reading. Methods raise
    `Incompatible` where the installed release cannot do it. `counted` returns fields of `model.trial.Accounting` that
    the trial's server has counted, where that is not the provider server.
    """

    name: str
    distribution: str

    def build(self, target: CallTarget, options: ClientOptions) -> Any: ...
    def build_sync(self, target: CallTarget, options: ClientOptions) -> Any: ...
    async def ask(self, client: Any, target: CallTarget, question: str) -> str: ...
    def ask_sync(self, client: Any, target: CallTarget, question: str) -> str: ...
    async def abandon(self, client: Any, target: CallTarget, question: str) -> str: ...
    def abandon_sync(self, client: Any, target: CallTarget, question: str) -> str: ...
    async def close(self, client: Any) -> None: ...
    def close_sync(self, client: Any) -> None: ...
    def counted(self, target: CallTarget) -> dict[str, int]: ...


def load(module: str) -> Any:
    """Imports a library under test.

    Raises:
        Incompatible: it is not installed, or cannot be imported with these packages.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Incompatible(f"{module} cannot be imported: {error}") from error


def build(factory: Any, **arguments: Any) -> Any:
    """Calls a constructor; raises `Incompatible` if it does not take these arguments, which is not a symptom."""
    try:
        return factory(**arguments)
    except TypeError as error:
        name = f"{factory.__module__.split('.')[0]}.{factory.__qualname__}"
        raise Incompatible(f"{name} cannot be built with these packages: {error}") from error


def need_aiohttp(provider: str) -> None:
    """Raises `Incompatible` if the environment has no aiohttp."""
    try:
        importlib.import_module("aiohttp")
    except ImportError as error:
        raise Incompatible(
            f"aiohttp is not installed in this environment, so {provider} has no such transport"
        ) from error


def chat_body(target: CallTarget, question: str) -> Mapping[str, Any]:
    """The arguments of a chat completion with one question."""
    return {"model": target.model, "messages": [{"role": "user", "content": question}]}
