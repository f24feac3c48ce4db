import asyncio

LOCK = asyncio.Lock()
"""Exporters share a folder."""


async def export(name):
    async with LOCK:
        await asyncio.sleep(0)
        return name


async def exporters():
    return await asyncio.gather(export("html"), export("pdf"))
