import asyncio

from llm import LLM

llm = LLM("m")
assert asyncio.run(llm.achat("once")) == "answer to once"
assert asyncio.run(llm.aembed("twice")) == 5.0
