import asyncio

import report

report.main()


async def together():
    return await asyncio.gather(report.count("north"), report.count("south"))


assert asyncio.run(together()) == [1, 2]
