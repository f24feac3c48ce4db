import asyncio

import handlers


async def main():
    return await asyncio.gather(*(handlers.export(name) for name in "abc"))


assert asyncio.run(main()) == ["a", "b", "c"]
assert asyncio.run(handlers.exporters()) == ["html", "pdf"]
