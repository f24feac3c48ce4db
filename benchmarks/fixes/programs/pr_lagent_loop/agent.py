import asyncio

from anthropic import AsyncAnthropic


class Agent:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.client = AsyncAnthropic(max_retries=0)

    async def aforward(self, text):
        message = await self.client.messages.create(
            model="m", max_tokens=9, messages=[{"role": "user", "content": text}]
        )
        return message.content[0].text

    def forward(self, text):
        return self.loop.run_until_complete(self.aforward(text))


agent = Agent()
for text in ("add", "sub"):
    print(agent.forward(text))
