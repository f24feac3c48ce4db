from openai import AsyncOpenAI


class LLM:
    def __init__(self, model, reuse_client=False):
        self.model = model
        self.reuse_client = reuse_client
        self._aclient = None

    def _get_aclient(self):
        if not self.reuse_client:
            return AsyncOpenAI(max_retries=0)
        if self._aclient is None:
            self._aclient = AsyncOpenAI(max_retries=0)
        return self._aclient

    async def achat(self, text):
        aclient = self._get_aclient()
        response = await aclient.chat.completions.create(model=self.model, messages=[{"role": "user", "content": text}])
        return response.choices[0].message.content

    async def aembed(self, text):
        aclient = self._get_aclient()
        response = await aclient.embeddings.create(model=self.model, input=text, encoding_format="float")
        return response.data[0].embedding[0]
