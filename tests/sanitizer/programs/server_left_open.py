# ENVIRONMENTS: none
# FINDINGS: client-left-open=leak
# CLOSER: async with
# SAYS: 1 connection of asyncio.Server
"""A server of asyncio that listens until its loop closes."""

import asyncio


async def main():
    await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)  # CREATED


asyncio.run(main())
