import asyncio
from concurrent.futures import ThreadPoolExecutor

from google.genai import Client

state = {}


def provider():
    if "client" not in state:
        state["client"] = Client()
    return state["client"]


async def ask(text):
    return (await provider().aio.models.generate_content(model="m", contents=text)).text


async def serve():
    for text in ("one", "two"):
        try:
            print("handler:", await ask(text))
        except Exception as error:
            print(f"handler failed: {type(error).__name__}")


with ThreadPoolExecutor(1) as pool:
    print("start-up:", pool.submit(asyncio.run, ask("hello")).result())
asyncio.run(serve())
