import asyncio

from llm import LLM


async def main():
    llm = LLM("m")
    print(await asyncio.gather(*(llm.achat(text) for text in "abc")))
    print(await asyncio.gather(llm.aembed("dd"), llm.aembed("eee")))


asyncio.run(main())
