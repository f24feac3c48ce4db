import asyncio


class Configuration:
    def __init__(self, names):
        self.names = names
        self.log = []

    async def one(self, name):
        async with self.lock:
            await asyncio.sleep(0)
            self.log.append(name)

    async def work(self, step):
        self.lock = asyncio.Lock()
        self.log.append(step)
        await asyncio.gather(*(self.one(name) for name in self.names))

    def run(self, step):
        asyncio.run(self.work(step))
        log, self.log = self.log, []
        return " ".join(log)
