import os

import aiohttp


class Triggered:
    """A command of the bot that fetches avatars."""

    def __init__(self, bot):
        self.bot = bot
        self.session = aiohttp.ClientSession()

    async def avatar(self, user):
        async with self.session.get(f"{os.environ['SERVICE']}/avatar/{user}") as response:
            return (await response.json())["path"]

    async def unload(self):
        """Called when the bot ends."""
