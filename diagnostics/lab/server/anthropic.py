"""Anthropic's answers: messages, whole or as the sequence of events that builds one. Pure functions of the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from diagnostics.lab.server import wire
from diagnostics.lab.server.wire import ModelReply, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def error(status: int, message: str, ident: str) -> dict[str, Any]:
    """The body of an error."""
    kind = _ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": f"req_{ident}"}


def messages(question: ModelRequest) -> ModelReply:
    """`POST /v1/messages`."""
    asked = wire.last_user_text(question.body.get("messages"), inside="content")
    if not isinstance(question.body.get("max_tokens"), int):
        raise wire.BadRequest("max_tokens: Field required")
    reply = wire.echo(asked)
    if question.body.get("stream"):
        return wire.stream([wire.event({"type": name, **data}, name) for name, data in _events(question, asked, reply)])
    content = [{"type": "text", "text": reply, "citations": None}]
    return wire.whole(_message(question, content, "end_turn", _usage(asked, wire.tokens(reply))))


def _events(question: ModelRequest, asked: str, reply: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "message_start", {"message": _message(question, [], None, _usage(asked, 1))}
    yield "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
    yield "ping", {}
    for piece in wire.pieces(reply):
        yield "content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}}
    yield "content_block_stop", {"index": 0}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    yield "message_delta", {"delta": stop, "usage": {"output_tokens": wire.tokens(reply)}}
    yield "message_stop", {}


def _message(
    question: ModelRequest, content: list[dict[str, Any]], stop_reason: str | None, usage: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": f"msg_{question.ident}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _usage(asked: str, outward: int) -> dict[str, Any]:
    return {
        "input_tokens": wire.tokens(asked),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": outward,
        "service_tier": "standard",
    }
