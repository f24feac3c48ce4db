# ENVIRONMENTS: none
# FINDINGS: stuck-waiter=note
# WAITS: for its own loop, which is closed, in the task main
import asyncio
import os
import signal


class Producer:
    """Sends in a task of the loop that started it, as clients of message queues do."""

    def start(self):
        self._loop = asyncio.get_running_loop()
        self._batches = []

    async def close(self):
        self._batches.clear()

    async def send(self):
        sent = asyncio.get_running_loop().create_future()
        self._batches.append(sent)
        return await sent  # TOUCHED


producer = Producer()  # CREATED


async def first():
    producer.start()


async def main():
    process = os.getppid() if "INSTRUMENTED" in os.environ else os.getpid()  # whom a person would end
    asyncio.get_running_loop().call_soon(os.kill, process, signal.SIGTERM)
    await producer.send()


asyncio.run(first())
asyncio.run(main())
