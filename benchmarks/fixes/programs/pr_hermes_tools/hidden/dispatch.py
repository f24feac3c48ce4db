import asyncio

import auxiliary
import tools

assert [tools.dispatch("search", text) for text in "pq"] == [{"answer": "answer to p"}, {"answer": "answer to q"}]


async def together():
    return await asyncio.gather(auxiliary.complete("r"), auxiliary.complete("s"))


assert asyncio.run(together()) == ["answer to r", "answer to s"]
