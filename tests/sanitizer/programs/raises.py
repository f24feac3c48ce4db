# ENVIRONMENTS: none
# FINDINGS: none
import asyncio


async def main():
    raise ValueError("the program's own error")


asyncio.run(main())
