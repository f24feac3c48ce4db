import asyncio

from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="m", max_retries=0)
for text in ("one", "two"):
    try:
        print(asyncio.run(model.ainvoke(text)).content)
    except Exception as error:
        print("failed:", type(error).__name__)
