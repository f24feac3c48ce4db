"""Streamed responses: which were abandoned before their end, and which the program closes after all.

A connection that is closed in the middle of a response means that nobody reads on. Whether the response is closed too
shows later: the loop finalizes an iterator that was dropped while `async with` still holds the response. So the fact is
withdrawn when the program closes that response, on its own loop.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

from diagnostics.sanitizer.capture.connections import MARK
from diagnostics.sanitizer.capture.facts import ConnectionRecord, Fact
from diagnostics.sanitizer.capture.running import running_loop
from diagnostics.sanitizer.capture.sites import Stack, capture, task_frames
from diagnostics.sanitizer.capture.tracker import TRACKER

_ASYNC_GENERATOR = 0x200
"""`inspect.CO_ASYNC_GENERATOR`."""

_ASYNC_TOOLS_FINALIZER = "_finalise_generator"
"""The coroutine of `async_tools` that closes dropped generators; the module may be a copy under another name."""


def cut_short(record: ConnectionRecord) -> None:
    """Reports an abandoned stream if a connection is closed in the middle of a response and no coroutine asked for it.

    There are three such cases. The loop finalizes a generator that was dropped, or was still open at the end, in a task
    of its own. `async_tools` does so too, but completely and in time, so nothing leaks. And a client that is closed
    cuts off the responses that are still open.
    """
    exchange = record.exchange
    if exchange is not None and (exchange.closed or not exchange.is_stream):
        return  # the program closes it while a task finalizes its iterator, or the program never had an iterator
    stack = task_frames(capture(sys._getframe(2)))
    trigger = _finalizer_of(stack)
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
        current=TRACKER.running(),
        stack=record.opened,
        operation="generator.aclose",
        trigger=trigger,
    )
    TRACKER.report(fact)
    if exchange is not None:
        exchange.abandoned = fact


def is_streaming(record: ConnectionRecord) -> bool:
    """Returns whether the program has begun to read a response on this connection and has not reached its end."""
    connection = record.ref() if record.ref is not None else None
    try:
        busy = connection is not None and not connection.is_idle() and not connection.is_closed()
    except (AttributeError, TypeError):
        return False
    return busy and (record.exchange.is_stream if record.exchange is not None else not _in_flight(record))


def reading(response: Any) -> None:
    """A response is read at once. One that was read before has its content."""
    record = _record(response) if not hasattr(response, "_content") else None
    if record is not None and record.exchange is not None and record.exchange.abandoned is None:
        record.exchange.whole = True


def response_closed(response: Any) -> None:
    """A response is closed, maybe again, by the program or by the finalizer of an iterator."""
    record = _record(response)
    exchange = record.exchange if record is not None else None
    if record is None or exchange is None or exchange.whole:
        return
    # The connection may have another response by now. The first close tells which one this exchange has.
    if not getattr(response, "is_closed", False):
        exchange.response = weakref.ref(response)
    elif exchange.response is None or exchange.response() is not response:
        return
    if _by_program(record, capture(sys._getframe(2))):
        exchange.closed = True
        fact, exchange.abandoned = exchange.abandoned, None
        if fact is not None:
            TRACKER.instruments.call("fact_withdrawn", fact)


def _record(response: Any) -> ConnectionRecord | None:
    stream = response.extensions.get("network_stream")
    return getattr(stream, MARK, None)


def _by_program(record: ConnectionRecord, stack: Stack) -> bool:
    """Returns whether code of the program closes something on the loop of its connection, before that loop ends."""
    loop = running_loop()
    ending = getattr(loop, "_asyncgens_shutdown_called", False)
    return record.loop.ref() is loop and not ending and _finalizer_of(task_frames(stack)) is None


def _finalizer_of(stack: Stack) -> str | None:
    """Returns who started a task that only finalizes a generator, from the frames of that task."""
    outermost = stack[-2] if stack else None
    if outermost is None:
        return None
    if outermost.co_flags & _ASYNC_GENERATOR:
        return None if _closed_by_a_task_of_the_program(outermost) else "finaliser"
    return "async_tools" if outermost.co_name == _ASYNC_TOOLS_FINALIZER else None


def _closed_by_a_task_of_the_program(generator: Any) -> bool:
    """Returns whether the running task closes a generator, by its code, because the program wants it closed.

    A loop forgets a generator before it finalizes it. It never knew one whose first `__anext__()` was called while no
    loop ran; then the loop runs until that task has ended.
    """
    loop = running_loop()
    if any(each.ag_running and each.ag_code is generator for each in list(getattr(loop, "_asyncgens", ()))):
        return True
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "run_until_complete":
        frame = frame.f_back
    return frame is not None and frame.f_locals.get("future") is sys.modules["asyncio"].current_task(loop)


def _in_flight(record: ConnectionRecord) -> bool:
    """Returns whether a call of the same client, which the connection may be busy with, has not returned yet."""
    client = record.client.outermost if record.client else None
    return any(
        call.active and call.client is not None and call.client.outermost is client
        for call in list(TRACKER.active_calls.values())
    )
