import asyncio

import registry


async def main():
    lock = registry.lock_of("x")
    assert registry.lock_of("x") is lock
    assert registry.lock_of("y") is not lock
    async with lock:
        waiting = asyncio.create_task(registry.improve("x"))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not waiting.done()
    return await waiting


assert asyncio.run(main()) == 1
