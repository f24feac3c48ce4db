import asyncio

from llm import ask
from openai import AsyncOpenAI


class Chat:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = AsyncOpenAI()

    def answer(self, question: str) -> str | None:
        return self.loop.run_until_complete(ask(self.client, question))


for question in ("one", "two"):
    print(Chat().answer(question))  # nothing closes the client or the loop
