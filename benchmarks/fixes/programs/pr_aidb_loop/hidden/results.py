import asyncio

from runs import asyncio_run


async def fail():
    raise KeyError("kept")


assert asyncio_run(asyncio.sleep(0, "result")) == "result"
try:
    asyncio_run(fail())
except KeyError as error:
    assert error.args == ("kept",)
else:
    raise SystemExit("the error is lost")
assert asyncio_run(asyncio.sleep(0, 2)) == 2
