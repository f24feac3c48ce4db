"""Streamed responses: which were left before their end, and which their program closes all the same.

A connection that is closed in the middle of a response tells that nobody reads on. Whether the response is closed too
shows later: the loop finalises an iterator that was dropped while `async with` still holds the response. So what is
told then stands only until the program closes that response, on its own loop.
"""

from __future__ import annotations

import contextlib
import sys
import weakref
from typing import Any

from diagnostics.sanitizer.capture.facts import ConnectionRecord, Exchange, Fact
from diagnostics.sanitizer.capture.recorder import MARK, RECORDER, running_loop, task_frames
from diagnostics.sanitizer.capture.sites import Stack, capture

_ASYNC_GENERATOR = 0x200
"""`inspect.CO_ASYNC_GENERATOR`."""

TIDIES = "_finalise_generator"
"""The coroutine of `async_tools`, which may be a copy under another name, that closes what was dropped."""


def cut_short(record: ConnectionRecord) -> None:
    """A connection is closed in the middle of a response. A coroutine may do that; three ways tell that nobody did.

    The loop finalises a generator that was dropped, or was still there at the end, in a task of its own; `async_tools`
    does so too, but whole and in time, so that nothing leaks; and a client that is closed cuts off the responses that
    are still open.
    """
    exchange = record.exchange
    if exchange is not None and (exchange.closed or not exchange.is_stream):
        return  # the program closes it, while a task finalises its iterator; or that is no iterator of the program's
    stack = task_frames(capture(sys._getframe(2)))
    trigger = _finalises(stack)
    if trigger is None and any(code.co_name == "_close_connections" for code in stack[::2]) and not _in_flight(record):
        trigger = "client closed"
    if trigger is None:
        return
    fact = Fact(
        "abandoned-stream",
        "note" if trigger == "async_tools" else "leak",
        loop=record.loop,
        client=record.client,
        connection=record,
        current=RECORDER.running(),
        stack=record.opened,
        operation="generator.aclose",
        trigger=trigger,
    )
    RECORDER.note(fact)
    if exchange is not None:
        exchange.told = fact


def is_streaming(record: ConnectionRecord) -> bool:
    """Whether the program has begun to read a response on this connection, and has not come to its end."""
    connection = record.ref() if record.ref is not None else None
    try:
        busy = connection is not None and not connection.is_idle() and not connection.is_closed()
    except (AttributeError, TypeError):
        return False
    return busy and (record.exchange.is_stream if record.exchange is not None else not _in_flight(record))


def reading(response: Any) -> None:
    """A response is read at once; one that has been read has its content."""
    record = _record(response) if not hasattr(response, "_content") else None
    if record is not None and record.exchange is not None:
        record.exchange.whole = True


def response_closed(response: Any) -> None:
    """A response is closed, maybe once more, by the program or by what finalises an iterator of it."""
    record = _record(response)
    exchange = record.exchange if record is not None else None
    if record is None or exchange is None or exchange.whole:
        return
    # The connection may be at another response by now: which one this is shows when it is closed first.
    if not getattr(response, "is_closed", False):
        exchange.response = weakref.ref(response)
    elif exchange.response is None or exchange.response() is not response:
        return
    if _by_program(record, capture(sys._getframe(2))):
        exchange.closed = True
        _withdraw(exchange)


def _withdraw(exchange: Exchange) -> None:
    told, exchange.told = exchange.told, None
    with contextlib.suppress(ValueError):  # it was the parent's, before a fork
        if told is not None:
            RECORDER.take_back(told)


def _record(response: Any) -> ConnectionRecord | None:
    """The connection that a response comes on."""
    stream = response.extensions.get("network_stream")
    return getattr(stream, MARK, None)


def _by_program(record: ConnectionRecord, stack: Stack) -> bool:
    """Whether code of the program closes something on the loop of its connection, while that is not at its end."""
    loop = running_loop()
    ending = getattr(loop, "_asyncgens_shutdown_called", False)
    return record.loop.ref() is loop and not ending and _finalises(task_frames(stack)) is None


def _finalises(stack: Stack) -> str | None:
    """Who runs a task that does nothing but finalise a generator, from the frames of that task."""
    outermost = stack[-2] if stack else None
    if outermost is None:
        return None
    if outermost.co_flags & _ASYNC_GENERATOR:
        return "finaliser"
    return "async_tools" if outermost.co_name == TIDIES else None


def _in_flight(record: ConnectionRecord) -> bool:
    """Whether a call of the same client has not returned yet, which may be what the connection is busy with."""
    client = record.client.outermost if record.client else None
    return any(
        call.active and call.client is not None and call.client.outermost is client
        for call in list(RECORDER.active_calls.values())
    )
