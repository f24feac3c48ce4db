"""OpenAI's answers: chat completions, responses, embeddings, models. Pure functions of the question."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from array import array
from typing import TYPE_CHECKING, Any, Final

from diagnostics.lab.server import jet_classifier, storyteller, wire
from diagnostics.lab.server.wire import ModelReply, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

REPLIES: Final[Mapping[str, Callable[[str, int], str]]] = {
    "jet-classifier": jet_classifier.reply,
    "storyteller": storyteller.reply,
}
"""Models that say something else than the echo: what each answers to the last message of the user and a seed."""

MODELS: Final = ("gpt-4o-mini", "gpt-4.1", "text-embedding-3-small", *REPLIES)
DIMENSIONS: Final = 1536
"""The length of an embedding that asks for none in particular."""

_WORD: Final = re.compile(r"\s*\S+|\s+$")
_ERROR_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_exceeded"}


def error(status: int, message: str, ident: str) -> dict[str, Any]:  # noqa: ARG001 - one signature for all vendors
    """The body of an error."""
    kind = _ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def chat(question: ModelRequest) -> ModelReply:
    """`POST /v1/chat/completions`."""
    asked = wire.last_user_text(question.body.get("messages"), inside="content")
    reply = _reply(question, asked)
    if question.body.get("stream"):
        return wire.stream([*_chat_events(question, asked, reply), b"data: [DONE]\n\n"])
    message: dict[str, Any] = {"role": "assistant", "content": reply, "refusal": None, "annotations": []}
    logprobs = {"content": _logprobs(reply), "refusal": None} if question.body.get("logprobs") is True else None
    choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": "stop"}
    return wire.whole({**_completion(question, "chat.completion"), "choices": [choice], "usage": _usage(asked, reply)})


def _reply(question: ModelRequest, asked: str) -> str:
    model = REPLIES.get(question.model)
    seed = question.body.get("seed")
    return wire.echo(asked) if model is None else model(asked, seed if isinstance(seed, int) else 0)


def _logprobs(reply: str) -> list[dict[str, Any]]:
    """A log probability for each word with what stands before it; it depends on the word alone."""
    found = []
    for token in _WORD.findall(reply):
        raw = token.encode(errors="surrogatepass")
        logprob = -(hashlib.sha256(raw).digest()[0] + 1) / 64
        found.append({"token": token, "logprob": logprob, "bytes": list(raw), "top_logprobs": []})
    return found


def _chat_events(question: ModelRequest, asked: str, reply: str) -> Iterator[bytes]:
    options = question.body.get("stream_options")
    with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
    head = _completion(question, "chat.completion.chunk")
    # With include_usage every chunk but the last says that it has none.
    tail: dict[str, Any] = {"usage": None} if with_usage else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return wire.event({**head, "choices": [choice], **tail})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for piece in wire.pieces(reply):
        yield chunk({"content": piece})
    yield chunk({}, "stop")
    if with_usage:
        yield wire.event({**head, "choices": [], "usage": _usage(asked, reply)})


def _completion(question: ModelRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{question.ident}",
        "object": kind,
        "created": question.created,
        "model": question.model,
        "service_tier": "default",
        "system_fingerprint": "fp_diagnostics",
    }


def _usage(asked: str, reply: str) -> dict[str, Any]:
    inward, outward = wire.tokens(asked), wire.tokens(reply)
    return {
        "prompt_tokens": inward,
        "completion_tokens": outward,
        "total_tokens": inward + outward,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def embeddings(question: ModelRequest) -> ModelReply:
    """`POST /v1/embeddings`: unit vectors that depend on the input alone, as numbers or base64 of 32-bit floats."""
    asked = question.body.get("input")
    # A list of numbers is one input, already in tokens.
    inputs: list[Any] = asked if isinstance(asked, list) and not _is_tokens(asked) else [asked]
    if not inputs or not all(one and (isinstance(one, str) or _is_tokens(one)) for one in inputs):
        raise wire.BadRequest("input must be a string, an array of strings or an array of tokens, and not empty")
    length = question.body.get("dimensions", DIMENSIONS)
    if not isinstance(length, int) or not 0 < length <= 4096:
        raise wire.BadRequest("dimensions must be an integer from 1 to 4096")
    packed = question.body.get("encoding_format") == "base64"
    data = []
    for index, one in enumerate(inputs):
        vector = embedding(one if isinstance(one, str) else wire.dump(one).decode(), length)
        form = base64.b64encode(_little_endian(vector)).decode() if packed else vector.tolist()
        data.append({"object": "embedding", "index": index, "embedding": form})
    count = sum(wire.tokens(one) if isinstance(one, str) else len(one) for one in inputs)  # a list holds tokens
    usage = {"prompt_tokens": count, "total_tokens": count}
    return wire.whole({"object": "list", "data": data, "model": question.model, "usage": usage})


def _is_tokens(one: Any) -> bool:
    return isinstance(one, list) and bool(one) and all(isinstance(token, int) for token in one)


def embedding(text: str, length: int) -> array[float]:
    """The unit vector that stands for a text: 32-bit floats, the same in every process."""
    raw = hashlib.shake_128(text.encode(errors="surrogatepass")).digest(length)
    centred = [byte - 127.5 for byte in raw]
    norm = sum(value * value for value in centred) ** 0.5
    return array("f", [value / norm for value in centred])


def _little_endian(vector: array[float]) -> bytes:
    if sys.byteorder == "big":
        vector = array("f", vector)
        vector.byteswap()
    return vector.tobytes()


def models(question: ModelRequest) -> ModelReply:
    """`GET /v1/models`."""
    return wire.whole({"object": "list", "data": [_model(name, question.created) for name in MODELS]})


def model(question: ModelRequest) -> ModelReply:
    """`GET /v1/models/{model}`: every name is a model here."""
    return wire.whole(_model(question.path["model"], question.created))


def _model(name: str, created: int) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": created, "owned_by": "diagnostics"}
