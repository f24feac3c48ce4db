import asyncio


def asyncio_run(coroutine):
    """Runs a coroutine on a loop of its own."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
