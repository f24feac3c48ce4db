"""What the APIs have in common: a question, an answer, the echo, and server-sent events. Pure functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream; charset=utf-8"

_FEWEST, _MOST = 4, 16


class BadRequest(ValueError):
    """The body is JSON but not what the API takes; the message goes to the client with status 400."""


@dataclass(frozen=True)
class ModelRequest:
    """A request as an API sees it.

    Attributes:
        body: the JSON object; empty for a GET.
        path: the variable parts of the path.
        query: the query string, one value a name.
        ident: 24 hexadecimal digits, different for each request.
        created: seconds since the epoch.
    """

    body: Mapping[str, Any]
    path: Mapping[str, str]
    query: Mapping[str, str]
    ident: str
    created: int

    @property
    def model(self) -> str:
        """The model of the body, which every API but Gemini's asks for there.

        Raises:
            BadRequest: there is none.
        """
        model = self.body.get("model")
        if not isinstance(model, str) or not model:
            raise BadRequest("you must provide a model parameter")
        return model


@dataclass(frozen=True)
class ModelReply:
    """A response before it is sent.

    Attributes:
        chunks: the body; a stream is sent chunk by chunk, anything else has one.
        streamed: whether the length is unknown to the client (chunked transfer encoding).
    """

    chunks: tuple[bytes, ...]
    media_type: str = JSON
    status: int = 200
    streamed: bool = False


def whole(data: Any, status: int = 200) -> ModelReply:
    """An answer in one piece of JSON."""
    return ModelReply((dump(data),), status=status)


def stream(events: Sequence[bytes]) -> ModelReply:
    """An answer of server-sent events."""
    return ModelReply(tuple(events), media_type=EVENT_STREAM, streamed=True)


def dump(data: Any) -> bytes:
    """Compact JSON in ASCII: lone surrogates survive, and no line separator can split an event in two."""
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def event(data: Any, name: str | None = None, *, end: bytes = b"\n\n") -> bytes:
    """One server-sent event."""
    head = b"event: %s\n" % name.encode() if name else b""
    return head + b"data: " + dump(data) + end


def echo(text: str) -> str:
    """The reply to a message: a caller can tell the answer to its own question from any other."""
    return f"echo: {text}"


def pieces(reply: str) -> Iterator[str]:
    """Splits a reply into 4 to 16 pieces, none of them empty.

    Args:
        reply: at least 4 characters long, as every echo is.
    """
    count = min(_MOST, max(_FEWEST, len(reply) // 8))
    for number in range(count):
        yield reply[len(reply) * number // count : len(reply) * (number + 1) // count]


def tokens(text: str) -> int:
    """A token count that is stable and never zero: words."""
    return max(1, len(text.split()))


def last_user_text(messages: Any, *, inside: str, default_role: str = "") -> str:
    """The text of the last message of the user.

    Args:
        messages: a list of `{"role": …, inside: content}`, where content is a string or a list of parts with `text`.
        inside: the key of the content.
        default_role: the role of a message that names none.

    Raises:
        BadRequest: there is no such message, or the list is none.
    """
    if not isinstance(messages, list):
        raise BadRequest("the messages must be an array")
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role", default_role) == "user":
            return _text(message.get(inside))
    raise BadRequest("at least one message must have the role 'user'")


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRequest("the content of a message must be a string or an array of parts")
    return "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
