import asyncio
import gc

import pytest


class Context:
    def __init__(self):
        self.loop = asyncio.new_event_loop()

    def send(self, device):
        return self.loop.run_until_complete(self._send(device))

    async def _send(self, device):
        await asyncio.sleep(0)
        return f"sent to {device}"


@pytest.fixture
def context():
    yield Context()
    gc.collect()


def test_android(context):
    assert context.send("android") == "sent to android"


def test_apple(context):
    assert context.send("apple") == "sent to apple"
