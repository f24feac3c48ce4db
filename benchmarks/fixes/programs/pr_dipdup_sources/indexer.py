import asyncio

from datasource import Datasource


async def main():
    sources = {
        "tzkt": Datasource("tzkt", "level"),
        "coinbase": Datasource("coinbase", "rate"),
    }
    for name, source in sources.items():
        print(f"{name}:", await source.get(1))
    metadata = Datasource("metadata", "token")
    print("metadata:", await metadata.get(1))
    for source in sources.values():
        await source.close()
    print("done")


asyncio.run(main())
