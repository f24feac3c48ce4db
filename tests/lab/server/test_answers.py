from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.lab.server.app import ENDPOINTS
from diagnostics.lab.server.openai import embedding
from diagnostics.lab.server.wire import BadRequest, ModelReply, ModelRequest, echo, event, last_user_text, pieces

# Lone surrogates, line separators and NULs included: all of them arrive in JSON.
texts = st.text(st.characters(), max_size=200)
MISTRAL = "/mistral/v1/chat/completions"
ANSWERS = {endpoint.path.rpartition("/")[2]: endpoint.answer for endpoint in ENDPOINTS if endpoint.path != MISTRAL}


def ask(body: dict[str, Any], **query: str) -> ModelRequest:
    return ModelRequest(body, {"model": "gemini-x", "version": "v1beta"}, query, "0" * 24, 1_700_000_000)


def chat(text: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "an older one"}, {"role": "assistant", "content": "yes"}]
    return {"model": "m", "max_tokens": 9, "messages": [*messages, {"role": "user", "content": text}], **more}


def parts(text: str) -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text[:3]}, {"text": text[3:]}]}]}


def events(answer: ModelReply) -> list[Any]:
    """What a strict reader of server-sent events gets: one event a chunk, one data line an event."""
    assert answer.streamed
    data = []
    for chunk in answer.chunks:
        lines = chunk.decode("ascii").rstrip("\r\n").split("\n")
        (payload,) = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        if payload != "[DONE]":
            data.append(json.loads(payload))
    return data


@given(texts)
def test_a_reply_is_split_into_at_least_four_pieces_that_make_it_up(text: str) -> None:
    split = list(pieces(echo(text)))
    assert "".join(split) == f"echo: {text}"
    assert 4 <= len(split) <= 16
    assert all(split)


@given(texts)
def test_chat_completions_echo(text: str) -> None:
    whole = json.loads(ANSWERS["completions"](ask(chat(text))).chunks[0])
    assert whole["choices"][0]["message"]["content"] == echo(text)
    answer = ANSWERS["completions"](ask(chat(text, stream=True, stream_options={"include_usage": True})))
    assert answer.chunks[-1] == b"data: [DONE]\n\n"
    *chunks, last = events(answer)
    deltas = [chunk["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(deltas) == echo(text)
    assert sum(map(bool, deltas)) >= 4
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert (last["choices"], last["usage"]) == ([], whole["usage"])


@given(texts)
def test_mistral_echoes_and_its_last_event_has_the_usage(text: str) -> None:
    (answer,) = [endpoint.answer for endpoint in ENDPOINTS if endpoint.path == MISTRAL]
    whole = json.loads(answer(ask(chat(text))).chunks[0])
    assert whole["choices"][0]["message"]["content"] == echo(text)
    chunks = events(answer(ask(chat(text, stream=True))))
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == echo(text)
    assert chunks[-1]["usage"] == whole["usage"]


@given(texts)
def test_responses_echo_and_number_their_events(text: str) -> None:
    whole = json.loads(ANSWERS["responses"](ask({"model": "m", "input": text})).chunks[0])
    assert whole["output"][0]["content"][0]["text"] == echo(text)
    sequence = events(ANSWERS["responses"](ask({"model": "m", "input": chat(text)["messages"], "stream": True})))
    assert [each["sequence_number"] for each in sequence] == list(range(len(sequence)))
    assert "".join(each["delta"] for each in sequence if each["type"] == "response.output_text.delta") == echo(text)
    assert sequence[-1] == {"type": "response.completed", "sequence_number": len(sequence) - 1, "response": whole}


@given(texts)
def test_messages_echo_in_the_documented_order(text: str) -> None:
    whole = json.loads(ANSWERS["messages"](ask(chat(text))).chunks[0])
    assert whole["content"][0]["text"] == echo(text)
    sequence = events(ANSWERS["messages"](ask(chat(text, stream=True))))
    deltas = [each["delta"]["text"] for each in sequence if each["type"] == "content_block_delta"]
    assert "".join(deltas) == echo(text)
    kinds = [each["type"] for each in sequence]
    before, after = (
        ["message_start", "content_block_start", "ping"],
        ["content_block_stop", "message_delta", "message_stop"],
    )
    assert kinds == [*before, *["content_block_delta"] * len(deltas), *after]
    assert sequence[-2]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


@given(texts)
def test_gemini_echoes_as_one_as_events_and_as_an_array(text: str) -> None:
    def said(responses: list[Any]) -> str:
        return "".join(each["candidates"][0]["content"]["parts"][0]["text"] for each in responses)

    whole = json.loads(ANSWERS["{model}:generateContent"](ask(parts(text))).chunks[0])
    assert said([whole]) == echo(text)
    sequence = events(ANSWERS["{model}:streamGenerateContent"](ask(parts(text), alt="sse")))
    assert said(sequence) == echo(text)
    assert [each["candidates"][0].get("finishReason") for each in sequence] == [None] * (len(sequence) - 1) + ["STOP"]
    array = ANSWERS["{model}:streamGenerateContent"](ask(parts(text)))
    assert json.loads(b"".join(array.chunks)) == sequence


@given(texts, st.integers(1, 64))
def test_an_embedding_is_a_unit_vector_that_tells_texts_apart(text: str, length: int) -> None:
    vector = embedding(text, length)
    assert len(vector) == length
    assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-5)
    assert embedding(text, 32) != embedding(text + "x", 32)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "text", "content"]), inner),
    max_leaves=8,
)
KEYS = ["model", "messages", "input", "contents", "stream", "stream_options", "max_tokens", "dimensions"]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
@given(body=st.dictionaries(st.sampled_from(KEYS), json_values))
def test_any_body_is_answered_or_refused(endpoint: Any, body: dict[str, Any]) -> None:
    with contextlib.suppress(BadRequest):
        assert endpoint.answer(ask(body)).status == 200


def test_only_the_text_of_the_last_user_message_counts() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    last = {"role": "user", "content": [{"type": "text", "text": "b"}, image, {"type": "text", "text": "c"}]}
    messages = [{"role": "user", "content": "a"}, last, {"role": "assistant", "content": "d"}]
    assert last_user_text(messages, inside="content") == "bc"
    with pytest.raises(BadRequest, match="role 'user'"):
        last_user_text([{"content": "a"}], inside="content")


def test_an_event_survives_line_separators() -> None:
    assert event("a\u2028b\nc", "x") == b'event: x\ndata: "a\\u2028b\\nc"\n\n'
