import asyncio

from bot import Bot


async def main():
    bot = Bot()
    await bot.start()
    assert await bot.cogs[0].avatar(8) == "avatar/8"
    await bot.close()


asyncio.run(main())
