# ENVIRONMENTS: none
# FINDINGS: client-left-open=leak
# CLOSER: async with
# SAYS: 1 connection of asyncio.Server
"""A server that an object of the program keeps, and nothing closes."""

import asyncio


class App:
    server = None

    async def start(self):
        self.server = await asyncio.start_server(self.handle, "127.0.0.1", 0)  # CREATED

    async def handle(self, reader, writer):
        writer.close()


app = App()
asyncio.run(app.start())
