"""Gemini's answers: generateContent and streamGenerateContent. Pure functions of the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from diagnostics.lab.server import wire
from diagnostics.lab.server.wire import ModelReply, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error(status: int, message: str, ident: str) -> dict[str, Any]:  # noqa: ARG001 - one signature for all vendors
    """The body of an error."""
    return {"error": {"code": status, "message": message, "status": _STATUSES.get(status, "UNKNOWN")}}


def generate(question: ModelRequest) -> ModelReply:
    """`POST /{version}/models/{model}:generateContent`."""
    asked = _asked(question)
    return wire.whole(_response(question, asked, wire.echo(asked), wire.echo(asked), "STOP"))


def stream_generate(question: ModelRequest) -> ModelReply:
    """`POST /{version}/models/{model}:streamGenerateContent`, as events with `?alt=sse`, else as a JSON array."""
    parts = list(_parts(question, _asked(question)))
    if question.query.get("alt") == "sse":
        return wire.stream([wire.event(part, end=b"\r\n\r\n") for part in parts])
    chunks = [(b"," if number else b"[") + wire.dump(part) for number, part in enumerate(parts)]
    return ModelReply((*chunks, b"]"), streamed=True)


def _asked(question: ModelRequest) -> str:
    return wire.last_user_text(question.body.get("contents"), inside="parts", default_role="user")


def _parts(question: ModelRequest, asked: str) -> Iterator[dict[str, Any]]:
    reply = wire.echo(asked)
    sent = ""
    for piece in wire.pieces(reply):
        sent += piece
        yield _response(question, asked, piece, sent, "STOP" if sent == reply else None)


def _response(question: ModelRequest, asked: str, text: str, so_far: str, finish: str | None) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    inward, outward = wire.tokens(asked), wire.tokens(so_far)
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": inward,
            "candidatesTokenCount": outward,
            "totalTokenCount": inward + outward,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": inward}],
        },
        "modelVersion": question.path["model"],
        "responseId": question.ident,
    }
