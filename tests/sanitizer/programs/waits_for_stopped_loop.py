# ENVIRONMENTS: none
# FINDINGS: stuck-waiter=note
# WAITS: for its own loop, which does not run any more, in the task main
"""A session whose task belongs to a loop that was run once and is still open."""

import asyncio
import os
import signal


class Session:
    async def __aenter__(self):
        self._requests = []
        self._task = asyncio.create_task(self._answers())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()

    async def _answers(self):
        while True:
            await asyncio.sleep(0.01)
            while self._requests:
                self._requests.pop().set_result(1)

    async def call(self):
        answer = asyncio.get_running_loop().create_future()
        self._requests.append(answer)
        return await answer  # TOUCHED


async def main():
    process = os.getppid() if "INSTRUMENTED" in os.environ else os.getpid()  # whom a person would end
    asyncio.get_running_loop().call_soon(os.kill, process, signal.SIGTERM)
    await session.call()


loop = asyncio.new_event_loop()
session = Session()  # CREATED
loop.run_until_complete(session.__aenter__())
asyncio.run(main())
