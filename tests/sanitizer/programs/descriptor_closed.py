# ENVIRONMENTS: openai-3
# FINDINGS: stuck-waiter=error
# MAYBE: client-left-open=leak abandoned-stream=leak
# WAITS: on a connection that its loop no longer watches
import asyncio
import gc
import os

from openai import AsyncOpenAI

# An address needs no look-up in a thread, so the new connections are there before the old ones are closed.
url = os.environ["PROVIDER"].replace("localhost", "127.0.0.1") + "/openai/v1"


class Agent:
    def __init__(self):
        self.client = AsyncOpenAI(api_key="none", base_url=url, timeout=None)  # CREATED
        self.itself = self  # only the collector frees it

    async def ask(self, number, collect=False):
        if collect:
            gc.collect()
        await self.client.chat.completions.create(model="m", messages=[{"role": "user", "content": f"{number}"}])


async def main():
    gc.disable()  # the moment is the one above
    agent = Agent()
    await asyncio.gather(*(agent.ask(number) for number in range(50)))
    agent = Agent()
    await agent.ask(0)  # the first call of a client looks things up in a thread, which takes too long below
    calls = [asyncio.create_task(agent.ask(number, collect=number == 3)) for number in range(50)]
    done = set()
    for _ in range(30):  # on a loaded machine the others take longer than a second
        before, (done, _) = len(done), await asyncio.wait(calls, timeout=1)
        if before == len(done) > 0:
            break
    print("all calls are done" if len(done) == len(calls) else "some calls wait for ever")
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await agent.client.close()


asyncio.run(main())
