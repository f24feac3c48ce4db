"""The SDKs: their clients, their calls, and the finalizers that close a client on whatever loop is running."""

from __future__ import annotations

from typing import Any

from diagnostics.sanitizer.capture.calls import calls
from diagnostics.sanitizer.capture.patching import Patch, around, built
from diagnostics.sanitizer.capture.tracker import FINALIZER, TRACKER


def stainless(client: Any) -> None:
    """A client of openai or anthropic, or of a subclass, is created."""
    cls = type(client)
    package = next(each.__module__.split(".")[0] for each in reversed(cls.__mro__) if each.__name__ == "AsyncAPIClient")
    TRACKER.client_created(client, f"{cls.__module__.split('.')[0]}.{cls.__name__}", package, sdk=True)


def gemini(client: Any) -> None:
    """The inner client of a google-genai client is created."""
    TRACKER.client_created(client, "google.genai.Client", "google.genai", sdk=True)


def finalizer_started(client: Any) -> Any:
    """A `__del__` begins."""
    return TRACKER.finalizer_started(client)


def finalizer_ended(token: Any, _: Any) -> None:
    """A `__del__` returned or raised."""
    FINALIZER.reset(token)


def _finalizers(module: str, *owners: str) -> list[Patch]:
    build = around(finalizer_started, finalizer_ended)
    return [Patch(module, owner, "__del__", build, optional=True) for owner in owners]


PATCHES = [
    *(
        patch
        for package in ("openai", "anthropic")
        for patch in (
            Patch(f"{package}._base_client", "AsyncAPIClient", "__new__", built(stainless)),
            Patch(f"{package}._base_client", "AsyncAPIClient", "request", calls(TRACKER.client)),
            *_finalizers(f"{package}._base_client", "AsyncHttpxClientWrapper"),
        )
    ),
    Patch("google.genai._api_client", "BaseApiClient", "__new__", built(gemini)),
    Patch("google.genai._api_client", "BaseApiClient", "async_request", calls(TRACKER.client)),
    Patch("google.genai._api_client", "BaseApiClient", "async_request_streamed", calls(TRACKER.client)),
    *_finalizers("google.genai._api_client", "BaseApiClient", "AsyncHttpxClient", "AsyncHttpx2Client"),
]
