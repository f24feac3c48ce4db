"""The ASGI application: finds the endpoint, counts the request, applies the trial's faults, sends the answer.

Starlette's router does the matching and nothing else stands in the way: no middleware, no task per response.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from diagnostics.lab.server import anthropic, gemini, mistral, openai, openai_responses
from diagnostics.lab.server.wire import BadRequest, ModelReply, ModelRequest, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from diagnostics.lab.server.faults import Faults
    from diagnostics.lab.server.ledger import RequestLedger
    from diagnostics.lab.server.protocol import Connection

NO_TRIAL: Final = "-"
"""The trial that requests without a `/t/<trial>` prefix belong to."""

LARGEST_BODY: Final = 16 * 2**20
"""Bytes of a request; a larger one is refused."""

LARGEST_REFUSED: Final = 2**30
"""Bytes of a refused request that are read and dropped: a client that still sends does not see the answer."""

_PREFIX: Final = "/t/"


class VendorError(Protocol):
    """Builds the body of an error in a vendor's form."""

    def __call__(self, status: int, message: str, ident: str) -> dict[str, Any]:
        """Gives an object that serialises to JSON."""
        ...


@dataclass(frozen=True)
class Operation:
    """One path of one vendor's API."""

    path: str
    method: str
    answer: Callable[[ModelRequest], ModelReply]
    error: VendorError
    id_header: bytes


ENDPOINTS: Final = (
    Operation("/openai/v1/chat/completions", "POST", openai.chat, openai.error, b"x-request-id"),
    Operation("/openai/v1/responses", "POST", openai_responses.responses, openai.error, b"x-request-id"),
    Operation("/openai/v1/embeddings", "POST", openai.embeddings, openai.error, b"x-request-id"),
    Operation("/openai/v1/models", "GET", openai.models, openai.error, b"x-request-id"),
    Operation("/openai/v1/models/{model:path}", "GET", openai.model, openai.error, b"x-request-id"),
    Operation("/mistral/v1/chat/completions", "POST", mistral.chat, mistral.error, b"mistral-correlation-id"),
    Operation("/anthropic/v1/messages", "POST", anthropic.messages, anthropic.error, b"request-id"),
    Operation(
        "/gemini/{version}/models/{model}:generateContent", "POST", gemini.generate, gemini.error, b"x-request-id"
    ),
    Operation(
        "/gemini/{version}/models/{model}:streamGenerateContent",
        "POST",
        gemini.stream_generate,
        gemini.error,
        b"x-request-id",
    ),
)


class Application:
    """The ASGI application over a ledger."""

    def __init__(self, ledger: RequestLedger[Connection]) -> None:
        self._ledger = ledger
        self._router = Router(
            [
                *(Route(endpoint.path, _Served(endpoint, ledger)) for endpoint in ENDPOINTS),
                Route("/control/drop-idle", self._drop_idle, methods=["POST"]),
                Route("/control/account", self._account, methods=["GET"]),
            ],
            redirect_slashes=False,
            default=_Served(None, ledger),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes the trial out of the path: it becomes the root path, as a mounted application has one."""
        path = scope["path"]
        trial, slash, _ = path.removeprefix(_PREFIX).partition("/")
        if path.startswith(_PREFIX) and trial and slash:
            scope["root_path"] = _PREFIX + trial
        else:
            trial = NO_TRIAL
        scope["state"]["trial"] = trial
        await self._router(scope, receive, send)

    async def _drop_idle(self, request: Request) -> JSONResponse:
        asking = request.state.connection
        dropped = [
            connection
            for connection in self._ledger.connections(request.state.trial)
            if connection is not asking and connection.idle
        ]
        for connection in dropped:
            connection.hang_up()
        for connection in dropped:
            await connection.gone.wait()
        return JSONResponse({"dropped": len(dropped)})

    async def _account(self, request: Request) -> JSONResponse:
        return JSONResponse(vars(self._ledger.account(request.state.trial)))


class _Served:
    """An endpoint with everything around it; None stands for a path that nobody serves."""

    def __init__(self, endpoint: Operation | None, ledger: RequestLedger[Connection]) -> None:
        self._endpoint = endpoint
        self._ledger = ledger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        connection: Connection = scope["state"]["connection"]
        try:
            raw = await read_body(request)
        except ClientDisconnect:
            return  # Half a request is none: no vendor would have answered it.
        retry = request.headers.get("x-stainless-retry-count", "0") != "0"
        number, faults = self._ledger.arrive(scope["state"]["trial"], connection, retry=retry)
        connection.keepalive_expiry = faults.keepalive_expiry
        if not await connection.pause(faults.latency):
            return
        if faults.resets(number):
            connection.reset()
            await connection.gone.wait()
            return
        ident = uuid.uuid4().hex[:24]
        status = faults.status_of(number)
        headers = [((self._endpoint.id_header if self._endpoint else b"x-request-id"), b"req_" + ident.encode())]
        if raw is None:
            message = f"The request is larger than {LARGEST_BODY} bytes"
            answer = whole(_error_of(self._endpoint)(413, message, ident), 413)
            headers.append((b"connection", b"close"))
        elif status == 200:
            answer = respond(self._endpoint, request, raw, ident)
        else:
            answer = whole(_error_of(self._endpoint)(status, "planned by the trial", ident), status)
            headers += faults.retry_headers()
        if await deliver(answer, headers, send, connection, faults) and faults.half_closes(number):
            connection.half_close()


async def read_body(request: Request) -> bytes | None:
    """Returns the body, or `None` if it is too large; such a body is not kept.

    Raises:
        ClientDisconnect: the client left before its end.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_REFUSED:
            break
        if size <= LARGEST_BODY:
            chunks.append(chunk)
        else:
            chunks.clear()
    return b"".join(chunks) if size <= LARGEST_BODY else None


def respond(endpoint: Operation | None, request: Request, raw: bytes, ident: str) -> ModelReply:
    """The answer that a request deserves, right or wrong."""
    error = _error_of(endpoint)
    if endpoint is None:
        return whole(error(404, f"Invalid URL ({request.method} {request.scope['path']})", ident), 404)
    if request.method != endpoint.method:
        return whole(error(405, f"Not allowed to {request.method} on this path", ident), 405)
    try:
        body = json.loads(raw) if endpoint.method == "POST" else {}
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return whole(error(400, "We could not parse the JSON object of your request", ident), 400)
    created = int(time.time())  # noqa: TID251 - a date
    question = ModelRequest(body, request.path_params, dict(request.query_params), ident, created)
    try:
        return endpoint.answer(question)
    except BadRequest as wrong:
        return whole(error(400, str(wrong), ident), 400)


async def deliver(
    answer: ModelReply, headers: list[tuple[bytes, bytes]], send: Send, connection: Connection, faults: Faults
) -> bool:
    """Sends an answer, slowly or only in part where the faults say so; returns whether all of it was sent."""
    chunks = answer.chunks
    headers.append((b"content-type", answer.media_type.encode()))
    if not answer.streamed:
        (body,) = chunks
        headers.append((b"content-length", b"%d" % len(body)))
        if faults.slow_body:
            chunks = tuple(body[len(body) * part // 4 : len(body) * (part + 1) // 4] for part in range(4))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    limit = faults.cut_stream_after if answer.streamed else None
    for number, chunk in enumerate(chunks[:limit]):
        if number and not await connection.pause(faults.slow_body):
            return False
        # The end of a stream is a message of its own, because it can be what is cut.
        more = answer.streamed or number + 1 < len(chunks)
        await send({"type": "http.response.body", "body": chunk, "more_body": more})
    if limit is not None and limit <= len(chunks):
        connection.hang_up()
        await connection.gone.wait()
        return False
    if answer.streamed:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    return True


def _error_of(endpoint: Operation | None) -> VendorError:
    return endpoint.error if endpoint else openai.error
