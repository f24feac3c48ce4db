import asyncio

from model import score


async def together():
    return await asyncio.gather(*(score(number) for number in range(5)))


assert asyncio.run(together()) == [f"score/{number}" for number in range(5)]
assert asyncio.run(score(9)) == "score/9"
