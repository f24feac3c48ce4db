"""OpenAI's Responses API: one object, or the sequence of events that builds it. Pure functions of the question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnostics.lab.server import wire
from diagnostics.lab.server.wire import ModelReply, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Iterator


def responses(question: ModelRequest) -> ModelReply:
    """`POST /v1/responses`."""
    given = question.body.get("input")
    asked = given if isinstance(given, str) else wire.last_user_text(given, inside="content")
    reply = wire.echo(asked)
    if question.body.get("stream"):
        # No [DONE] here: the stream ends with response.completed.
        return wire.stream(
            [
                wire.event({"type": name, "sequence_number": number, **data}, name)
                for number, (name, data) in enumerate(_events(question, asked, reply))
            ]
        )
    return wire.whole(_completed(question, asked, reply))


def _events(question: ModelRequest, asked: str, reply: str) -> Iterator[tuple[str, dict[str, Any]]]:
    item = f"msg_{question.ident}"
    here = {"item_id": item, "output_index": 0, "content_index": 0}
    started = _response(question, "in_progress", [], None)
    yield "response.created", {"response": started}
    yield "response.in_progress", {"response": started}
    yield "response.output_item.added", {"output_index": 0, "item": _message(item, "in_progress", [])}
    yield "response.content_part.added", {**here, "part": _part("")}
    for piece in wire.pieces(reply):
        yield "response.output_text.delta", {**here, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**here, "text": reply, "logprobs": []}
    yield "response.content_part.done", {**here, "part": _part(reply)}
    yield "response.output_item.done", {"output_index": 0, "item": _message(item, "completed", [_part(reply)])}
    yield "response.completed", {"response": _completed(question, asked, reply)}


def _completed(question: ModelRequest, asked: str, reply: str) -> dict[str, Any]:
    inward, outward = wire.tokens(asked), wire.tokens(reply)
    usage = {
        "input_tokens": inward,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": outward,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": inward + outward,
    }
    message = _message(f"msg_{question.ident}", "completed", [_part(reply)])
    return _response(question, "completed", [message], usage)


def _response(
    question: ModelRequest, status: str, output: list[dict[str, Any]], usage: dict[str, Any] | None
) -> dict[str, Any]:
    body = question.body
    return {
        "id": f"resp_{question.ident}",
        "object": "response",
        "created_at": question.created,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": question.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": usage,
        "user": None,
        "metadata": body.get("metadata", {}),
    }


def _message(ident: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": ident, "type": "message", "status": status, "role": "assistant", "content": content}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
