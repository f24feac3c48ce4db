import asyncio

from registry import improve


async def main():
    return list(await asyncio.gather(*(improve("one") for _ in range(3))))


for number in range(3):
    try:
        print(f"run {number}:", asyncio.run(main()))
    except RuntimeError as error:
        print(f"run {number} failed:", type(error).__name__)
