"""Every test leaves the process without a persistent loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from diagnostics import async_tools
from diagnostics.async_tools import PersistentLoop

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    async_tools.shutdown()
    assert [thread.name for thread in threading.enumerate() if thread.name == "persistent-event-loop"] == []


@pytest.fixture
def persistent() -> Iterator[PersistentLoop]:
    with PersistentLoop() as loop:
        yield loop
