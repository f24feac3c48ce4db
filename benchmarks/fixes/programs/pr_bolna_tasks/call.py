"""A phone call: tasks speak and listen until the conversation ends."""

import asyncio


class TaskManager:
    def __init__(self):
        self.words = asyncio.Queue()
        self.said = 0

    async def first_message(self):
        print("hello")
        for word in ("how", "are", "you"):
            await self.words.put(word)

    async def synthesize(self):
        while True:
            await self.words.get()
            self.said += 1
            self.words.task_done()

    async def run(self):
        first = asyncio.create_task(self.first_message())
        self.synthesizer = asyncio.create_task(self.synthesize())
        await first
        await self.words.join()
        print("said", self.said, "words")


loop = asyncio.new_event_loop()
loop.run_until_complete(TaskManager().run())
loop.close()
print("call ended")
