"""Runs inside an environment: asks the server everything with the SDKs that are there and prints what they understood.

Usage: `python sdk_client.py BASE_URL SDK...` with `SSL_CERT_FILE` set. Prints one JSON object: way of asking -> text.
Needs nothing but the SDKs named, and runs on Python 3.10 and up.
"""

# ruff: noqa: PLC0415 - each environment has its own SDKs

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

QUESTION = "héllo ☃ wörld, what is 2 + 2?"


def valid(*records: Any) -> bool:
    """Whether pydantic agrees with the shape: the SDKs themselves build their records without looking."""
    for record in records:
        type(record).model_validate(record.to_dict())
    return bool(records)


def ask_openai(base: str) -> dict[str, Any]:
    import openai

    url = f"{base}/openai/v1"
    chat: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": QUESTION}]}
    seen: dict[str, Any] = {}
    with openai.OpenAI(api_key="k", base_url=url) as client:
        whole = client.chat.completions.create(**chat)
        seen["chat"] = whole.choices[0].message.content
        seen["chat usage adds up"] = (
            whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
        )
        seen["chat request id"] = bool(whole._request_id)
        chunks = list(client.chat.completions.create(**chat, stream=True, stream_options={"include_usage": True}))
        seen["chat stream"] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        seen["chat valid"] = valid(whole, *chunks)
        seen["chat stream usage"] = [chunk.usage is not None for chunk in chunks].count(True) == 1
        seen["chat stream at least 4"] = sum(bool(c.choices and c.choices[0].delta.content) for c in chunks) >= 4
        vectors = client.embeddings.create(model="e", input=[QUESTION, "b"])
        numbers = client.embeddings.create(model="e", input=QUESTION, encoding_format="float")
        close = [abs(a - b) < 1e-6 for a, b in zip(vectors.data[0].embedding, numbers.data[0].embedding, strict=True)]
        seen["embeddings"] = [len(vectors.data), len(close), all(close)]
        seen["models"] = "gpt-4o-mini" in [model.id for model in client.models.list()]
        seen["model"] = client.models.retrieve("a/b").id
        if hasattr(client, "responses"):
            response = client.responses.create(model="m", input=QUESTION)
            seen["responses"] = response.output_text
            seen["responses valid"] = valid(response, *client.responses.create(model="m", input=QUESTION, stream=True))
            with client.responses.stream(model="m", input=[{"role": "user", "content": QUESTION}]) as events:
                deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
                final = events.get_final_response()
            seen["responses stream"] = "".join(deltas)
            seen["responses stream final"] = final.output_text
            seen["responses stream status"] = final.status
        try:
            client.chat.completions.create(model="m", messages=[])
        except openai.BadRequestError as error:
            seen["bad request"] = error.type

    async def main() -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=url) as client:
            seen["async chat"] = (await client.chat.completions.create(**chat)).choices[0].message.content
            chunks = [chunk async for chunk in await client.chat.completions.create(**chat, stream=True)]
            seen["async chat stream"] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)

    asyncio.run(main())
    return seen


def ask_anthropic(base: str) -> dict[str, Any]:
    import anthropic  # type: ignore[import-not-found]

    url = f"{base}/anthropic"
    asked: dict[str, Any] = {
        "model": "claude",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}]}],
    }
    seen: dict[str, Any] = {}
    with anthropic.Anthropic(api_key="k", base_url=url) as client:
        message = client.messages.create(**asked)
        seen["messages"] = message.content[0].text
        seen["messages stop"] = message.stop_reason
        seen["messages request id"] = bool(message._request_id)
        with client.messages.stream(**asked) as events:
            seen["messages stream"] = "".join(events.text_stream)
            final = events.get_final_message()
        seen["messages stream final"] = [final.content[0].text, final.stop_reason, final.usage.output_tokens > 1]
        raw = list(client.messages.create(**asked, stream=True))
        seen["messages valid"] = valid(message, *raw)
        seen["messages stream events"] = [event.type for event in raw if event.type != "content_block_delta"]
        try:
            client.messages.create(model="m", max_tokens=1, messages=[])
        except anthropic.BadRequestError as error:
            seen["bad request"] = error.body["error"]["type"]

    async def main() -> None:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=url) as client:
            seen["async messages"] = (await client.messages.create(**asked)).content[0].text
            async with client.messages.stream(**asked) as events:
                seen["async messages stream"] = "".join([text async for text in events.text_stream])

    asyncio.run(main())
    return seen


def ask_google_genai(base: str) -> dict[str, Any]:
    from google import genai  # type: ignore[import-not-found]
    from google.genai import errors, types  # type: ignore[import-not-found]

    options = types.HttpOptions(base_url=f"{base}/gemini")
    asked: dict[str, Any] = {"model": "gemini-2.5-flash", "contents": QUESTION}
    seen: dict[str, Any] = {}
    client = genai.Client(api_key="k", http_options=options)
    whole = client.models.generate_content(**asked)
    seen["generate"] = whole.text
    seen["generate finish"] = whole.candidates[0].finish_reason.name
    seen["generate model"] = whole.model_version
    chunks = list(client.models.generate_content_stream(**asked))
    seen["generate stream"] = "".join(chunk.text or "" for chunk in chunks)
    seen["generate stream at least 4"] = len(chunks) >= 4
    seen["chat"] = client.chats.create(model="g").send_message(QUESTION).text
    try:
        client.models.generate_content(model="g", contents=[types.Content(role="model", parts=[types.Part(text="x")])])
    except errors.ClientError as error:
        seen["bad request"] = error.status

    async def main() -> None:
        client = genai.Client(api_key="k", http_options=options)
        seen["async generate"] = (await client.aio.models.generate_content(**asked)).text
        stream = await client.aio.models.generate_content_stream(**asked)
        seen["async generate stream"] = "".join([chunk.text or "" async for chunk in stream])
        await client.aio.aclose()

    asyncio.run(main())
    client.close()
    return seen


if __name__ == "__main__":
    ways = {"openai": ask_openai, "anthropic": ask_anthropic, "google-genai": ask_google_genai}
    print(json.dumps({sdk: ways[sdk](sys.argv[1]) for sdk in sys.argv[2:]}))
