import asyncio

from triggered import Triggered


class Bot:
    def __init__(self):
        self.cogs = []

    async def start(self):
        self.cogs.append(Triggered(self))
        print("ready")
        print(await self.cogs[0].avatar(7))

    async def close(self):
        for cog in self.cogs:
            await cog.unload()
        print("bye")


async def main():
    bot = Bot()
    try:
        await bot.start()
    finally:
        await bot.close()


if __name__ == "__main__":
    asyncio.run(main())
