import asyncio

from db import scalar

REGIONS = {"north": 1, "south": 2}


async def count(region):
    return await scalar("select cast(:value as int)", REGIONS[region])


def main():
    for region in REGIONS:
        print(f"{region}: {asyncio.run(count(region))}")


if __name__ == "__main__":
    main()
