import asyncio


class Project:
    """A font whose changes are written in the background."""

    def __init__(self, name):
        self.name = name

    async def open(self):
        self.changes = asyncio.Event()
        self.writer = asyncio.create_task(self.write())
        await asyncio.sleep(0)
        print("opened", self.name)

    async def write(self):
        while True:
            await self.changes.wait()
            self.changes.clear()

    async def close(self):
        print("closed", self.name)
