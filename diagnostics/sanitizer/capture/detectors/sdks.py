"""The SDKs: their clients, their calls, and the finalisers that close a client on whatever loop runs."""

from __future__ import annotations

from typing import Any

from diagnostics.sanitizer.capture.calls import calls
from diagnostics.sanitizer.capture.patching import Patch, around, built
from diagnostics.sanitizer.capture.recorder import FINALISER, RECORDER


def stainless(client: Any) -> None:
    """A client of openai or anthropic, or of a class derived from one."""
    cls = type(client)
    package = next(each.__module__.split(".")[0] for each in reversed(cls.__mro__) if each.__name__ == "AsyncAPIClient")
    RECORDER.client_built(client, f"{cls.__module__.split('.')[0]}.{cls.__name__}", package, sdk=True)


def gemini(client: Any) -> None:
    """What is inside a client of google-genai."""
    RECORDER.client_built(client, "google.genai.Client", "google.genai", sdk=True)


def finaliser(*_: Any, **__: Any) -> Any:
    """A `__del__` starts."""
    return RECORDER.finaliser_begins()


def finalised(token: Any, _: Any) -> None:
    """A `__del__` is over."""
    FINALISER.reset(token)


def _finalisers(module: str, *owners: str) -> list[Patch]:
    return [Patch(module, owner, "__del__", around(finaliser, finalised), optional=True) for owner in owners]


PATCHES = [
    *(
        patch
        for package in ("openai", "anthropic")
        for patch in (
            Patch(f"{package}._base_client", "AsyncAPIClient", "__new__", built(stainless)),
            Patch(f"{package}._base_client", "AsyncAPIClient", "request", calls(RECORDER.client)),
            *_finalisers(f"{package}._base_client", "AsyncHttpxClientWrapper"),
        )
    ),
    Patch("google.genai._api_client", "BaseApiClient", "__new__", built(gemini)),
    Patch("google.genai._api_client", "BaseApiClient", "async_request", calls(RECORDER.client)),
    Patch("google.genai._api_client", "BaseApiClient", "async_request_streamed", calls(RECORDER.client)),
    *_finalisers("google.genai._api_client", "BaseApiClient", "AsyncHttpxClient", "AsyncHttpx2Client"),
]
