import asyncio

from db import engine, scalar

REGIONS = {"north": 1, "south": 2}


async def count(region):
    try:
        return await scalar("select cast(:value as int)", REGIONS[region])
    finally:
        await engine.dispose()


def main():
    for region in REGIONS:
        print(f"{region}: {asyncio.run(count(region))}")


if __name__ == "__main__":
    main()
