from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING

import pytest

from tests.experiment.fake_provider import FakeProvider

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def small_heap() -> Iterator[None]:
    """Scenarios collect garbage: what pytest has loaded need not be looked through each time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    fake = FakeProvider()
    yield fake
    fake.close_loops()
    asyncio.set_event_loop(None)
