import asyncio

import state

assert state.get_status("c") == "c UP"


async def together():
    return await asyncio.gather(state.get_status_async("a"), state.get_status_async("b"))


assert asyncio.run(together()) == ["a UP", "b UP"]
assert state.get_status("d") == "d UP"
