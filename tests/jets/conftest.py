"""The provider server to ask, the jets that ship, and an end for what a test leaves on the persistent loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from diagnostics import async_tools
from diagnostics.jets.data import Jets, load
from diagnostics.jets.program import JetEndpoint
from diagnostics.lab.server import Faults, ProviderServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")


@pytest.fixture(scope="session")
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> str:
    """What the server counts a test's requests under."""
    return "".join(letter if letter.isalnum() else "-" for letter in request.node.nodeid)


@pytest.fixture
def endpoint(
    server: ProviderServer, trial: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., JetEndpoint]]:
    """The local provider with its faults; clients are closed before it is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))

    def plan(faults: Faults | None = None, model: str = "jet-classifier", retries: int = 2) -> JetEndpoint:
        if faults is not None:
            server.plan(trial, faults)
        return JetEndpoint(server.trial_url(trial) + "/openai/v1", model, retries=retries)

    yield plan
    async_tools.shutdown()
    server.forget(trial)


@pytest.fixture(scope="session")
def jets() -> Jets:
    return load(jets=24)
