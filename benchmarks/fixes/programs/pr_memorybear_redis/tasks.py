from cache import remember


async def handle(number):
    return await remember(f"memory-{number}", number)
