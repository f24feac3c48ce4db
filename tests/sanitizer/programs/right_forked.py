# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: none
import asyncio
import gc
import os

from openai import AsyncOpenAI


class App:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")
        self.loop.run_until_complete(self.ask())
        self.go_on = asyncio.Event()
        self.waits = self.loop.create_task(self.go_on.wait())

    async def ask(self):
        await self.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])

    def close(self):
        self.go_on.set()
        self.loop.run_until_complete(self.waits)
        self.loop.run_until_complete(self.client.close())
        self.loop.close()


def in_a_child(leave):
    child = os.fork()
    if child == 0:
        leave()
        os._exit(0)
    print(os.waitpid(child, 0)[1])


def drop():
    global app
    app = None
    gc.collect()


app = App()
in_a_child(app.loop.close)
in_a_child(drop)
app.close()
