import asyncio

from auxiliary import complete


async def vision(text):
    return {"answer": await complete(text)}


async def search(text):
    return {"answer": await complete(text)}


TOOLS = {"vision": vision, "search": search}


def _run_async(coroutine):
    return asyncio.run(coroutine)


def dispatch(name, text):
    try:
        return _run_async(TOOLS[name](text))
    except Exception as error:
        return {"error": type(error).__name__}
