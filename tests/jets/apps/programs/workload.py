"""What each application does: a call by `run_sync` and one by the classifier.

With NAIVE set it does the first as the bug reports have it, one client and `asyncio.run` for each call: the baseline.
"""

import asyncio
import os

from openai import AsyncOpenAI

from diagnostics.async_tools import LoopLocal, run_sync
from diagnostics.jets.classifier import LocalLLMClassifier
from diagnostics.jets.data import load

NAIVE = bool(os.environ.get("NAIVE"))
BASE = os.environ["PROVIDER"]


def new_client():
    return AsyncOpenAI(base_url=BASE, api_key="none")


jets = load(jets=5)
model = LocalLLMClassifier("jet-classifier", "jet_summary", "low", BASE).fit(jets.X, jets.y)
clients = LoopLocal(new_client)
kept = new_client() if NAIVE else None


async def echo(text):
    client = kept or await clients.get()
    completion = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return completion.choices[0].message.content


def work(number):
    said = asyncio.run(echo(f"call {number}")) if NAIVE else run_sync(echo(f"call {number}"))
    return {"said": said, "predictions": model.predict(jets.X, max_concurrent=3).tolist()}


async def work_async(number):
    said = await run_sync(echo(f"call {number}"), inside_loop="await")
    probabilities = await model.classify(jets.X, max_concurrent=3)
    return {"said": said, "predictions": (probabilities[:, 1] >= 0.5).astype(int).tolist()}
