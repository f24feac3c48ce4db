from async_tools import LoopLocal, run_sync
from llm import ask
from openai import AsyncOpenAI

clients = LoopLocal(AsyncOpenAI)


async def main(question: str) -> str | None:
    return await ask(await clients.get(), question)


for question in ("one", "two"):
    print(run_sync(main(question)))
