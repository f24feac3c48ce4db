"""Finalisers that start nothing that belongs to a loop have no alert."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rewrite.rules.test_rules import checked

SILENT = {
    "one that starts what awaits nothing": """
import asyncio

class Search:
    def __init__(self, db):
        self.db = db

    async def close(self):
        self.db = None

    def __del__(self):
        asyncio.get_event_loop().create_task(self.close())
""",
    "one that starts an inherited method, which awaits what awaits nothing": """
import asyncio

class Base:
    async def close(self):
        await self.forget()
        await asyncio.sleep(0)

    async def forget(self):
        self.db = None

class Search(Base):
    def __del__(self):
        asyncio.run(self.close())
""",
    "one that gives work to a service with tasks of its own": """
import asyncio

class Job:
    def __del__(self):
        self.service.create_task(self.name)
""",
    "one that passes a method and does not call it": """
class Pool:
    async def close(self):
        await self.session.close()

    def __del__(self):
        self.loop.run_until_complete(self.close)
""",
    "one in a browser": """
import asyncio
import js

class Port:
    def __init__(self):
        self.port = js.navigator.serial

    def __del__(self):
        asyncio.create_task(self.port.close())
""",
    "one that compares its loop": """
import asyncio

class Service:
    def __del__(self):
        if asyncio.get_running_loop() is self._loop:
            self._loop.create_task(self.client.aclose())
""",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_a_finaliser_without_work_of_a_loop_has_no_alert(text: str, tmp_path: Path) -> None:
    assert checked(tmp_path, app=text) == []
