from openai import AsyncOpenAI


class LLM:
    def __init__(self, model):
        self.model = model

    async def achat(self, text):
        async with AsyncOpenAI(max_retries=0) as aclient:
            response = await aclient.chat.completions.create(
                model=self.model, messages=[{"role": "user", "content": text}]
            )
            return response.choices[0].message.content

    async def aembed(self, text):
        async with AsyncOpenAI(max_retries=0) as aclient:
            response = await aclient.embeddings.create(model=self.model, input=text, encoding_format="float")
            return response.data[0].embedding[0]
