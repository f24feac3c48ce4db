"""Bridges from sync to async code, ours among them, and what each does when it matters.

    load("asgiref")          one of them, in one shape
    BEHAVIOURS               what they are asked (`behaviours`)
    try_all()                the answers, each from a process of its own (`trying`)

One file in `adapters/`, one row here. The packages are those of the dependency group `bridges`.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Final

from benchmarks.bridges.bridge import Bridge

BRIDGES: Final = {
    "async_tools": "ours",
    "asyncio.run": "asyncio_run",
    "asyncio.Runner, kept": "kept_runner",
    "daemon thread": "daemon_thread",
    "asgiref": "with_asgiref",
    "anyio portal": "anyio_portal",
    "asyncer": "with_asyncer",
    "synchronicity": "with_synchronicity",
    "unsync": "with_unsync",
    "nest_asyncio": "with_nest_asyncio",
}
"""Name, as people know it, to the file in `adapters/`."""


SOURCE_ONLY: Final = {"unsync": "unsync"}
"""Bridges whose package has no wheel, and its module: they take part where a person has installed it."""


def is_there(name: str) -> bool:
    """Whether a bridge can be loaded."""
    return name not in SOURCE_ONLY or importlib.util.find_spec(SOURCE_ONLY[name]) is not None


def load(name: str) -> Bridge:
    """The bridge of that name, ready for use in this process.

    Raises:
        KeyError: there is no such bridge.
        ImportError: its package is not installed.
    """
    bridge = importlib.import_module(f"{__name__}.adapters.{BRIDGES[name]}").BRIDGE
    assert isinstance(bridge, Bridge)
    return bridge
