"""Mistral's answers: chat completions, whole or as a stream. Pure functions of the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from diagnostics.lab.server import wire
from diagnostics.lab.server.wire import ModelReply, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERROR_TYPES: Final = {401: "unauthorized", 404: "not_found", 429: "rate_limited"}


def error(status: int, message: str, ident: str) -> dict[str, Any]:  # noqa: ARG001 - one signature for all vendors
    """The body of an error."""
    kind = _ERROR_TYPES.get(status, "internal_server_error" if status >= 500 else "invalid_request_error")
    return {"object": "error", "message": message, "type": kind, "param": None, "code": str(status)}


def chat(question: ModelRequest) -> ModelReply:
    """`POST /v1/chat/completions`."""
    asked = wire.last_user_text(question.body.get("messages"), inside="content")
    reply = wire.echo(asked)
    if question.body.get("stream"):
        return wire.stream([*_events(question, asked, reply), b"data: [DONE]\n\n"])
    message = {"role": "assistant", "content": reply, "tool_calls": None, "prefix": False}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return wire.whole({**_head(question, "chat.completion"), "choices": [choice], "usage": _usage(asked, reply)})


def _events(question: ModelRequest, asked: str, reply: str) -> Iterator[bytes]:
    head = _head(question, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        return wire.event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more})

    yield chunk({"role": "assistant", "content": ""})
    for piece in wire.pieces(reply):
        yield chunk({"content": piece})
    yield chunk({"content": ""}, "stop", usage=_usage(asked, reply))


def _head(question: ModelRequest, kind: str) -> dict[str, Any]:
    return {"id": question.ident, "object": kind, "created": question.created, "model": question.model}


def _usage(asked: str, reply: str) -> dict[str, int]:
    inward, outward = wire.tokens(asked), wire.tokens(reply)
    return {"prompt_tokens": inward, "completion_tokens": outward, "total_tokens": inward + outward}
