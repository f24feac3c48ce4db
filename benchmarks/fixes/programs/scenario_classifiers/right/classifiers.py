import asyncio

import anthropic


class Classifier:
    def __init__(self, name):
        self.name = name

    async def _ask(self, text):
        async with anthropic.AsyncAnthropic(max_retries=0) as client:
            message = await client.messages.create(
                model="m",
                max_tokens=16,
                messages=[{"role": "user", "content": f"{self.name} of {text}"}],
            )
        return message.content[0].text

    def classify(self, text):
        return asyncio.run(self._ask(text))
