"""What a loop leaves behind when it closes: connections, half-read streams, tasks."""

from __future__ import annotations

from typing import Any

from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.pending import chain
from diagnostics.sanitizer.capture.running import tasks_of
from diagnostics.sanitizer.capture.sites import Stack, users_frame
from diagnostics.sanitizer.capture.streams import is_streaming
from diagnostics.sanitizer.capture.tracker import TRACKER


def report_leaks(loop: Any, record: LoopRecord, stack: Stack) -> None:
    """Reports everything that is still open on a loop that is about to close.

    A connection that only a `__del__` closed counts too, even if the loop was still open: with another heap the
    collector would have come later, and a finding must not depend on that. What was opened before a fork belongs to the
    parent; the child may drop its copy.
    """
    record.closed = stack
    here = TRACKER.generation
    left = bool(record.connections or record.dropped) and _connections(record, stack)
    if record.generation != here and not left:
        return
    _tasks(loop, record, stack)
    for code in stack[:8:2]:
        if code.co_name == "__del__" and "base_events" in code.co_filename:
            severity = "leak" if left else "note"
            TRACKER.report(Fact("loop-closed-by-gc", severity, loop=record, stack=stack, trigger="gc"))
            break


def _connections(record: LoopRecord, stack: Stack) -> bool:
    """Reports the connections that are still open; returns whether there are any."""
    here = TRACKER.generation
    connections_here = [each for each in record.connections.values() if each.generation == here]
    held = [each for each in connections_here if is_open(each) and not each.anywhere]
    known = {id(each) for each in held}
    dropped = [each for each in connections_here if is_dropped(each) and id(each) not in known]
    dropped += [each for each in record.dropped if each.generation == here]
    record.dropped = []
    TRACKER.find_clients(held + dropped)
    held, dropped = [each for each in held if _is_attributed(each)], [each for each in dropped if _is_attributed(each)]
    by_client: dict[int, tuple[ClientRecord | None, list[ConnectionRecord], list[ConnectionRecord]]] = {}
    for each in held:
        by_client.setdefault(id(each.client), (each.client, [], []))[1].append(each)
    for each in dropped:
        by_client.setdefault(id(each.client), (each.client, [], []))[2].append(each)
    for client, held_here, dropped_here in by_client.values():
        TRACKER.report(left_open(record, client, held_here + dropped_here))
        streaming = [each for each in held_here if is_streaming(each)]
        if streaming:
            TRACKER.report(
                Fact(
                    "abandoned-stream",
                    "leak",
                    loop=record,
                    client=client,
                    connection=streaming[0],
                    stack=stack,
                    operation="loop.close",
                    trigger="loop close",
                    count=len(streaming),
                )
            )
    return bool(by_client)


def left_open(record: LoopRecord, client: ClientRecord | None, connections: list[ConnectionRecord]) -> Fact:
    """Returns the fact that connections of a client were open when their loop closed."""
    return Fact(
        "client-left-open",
        "leak",
        loop=record,
        client=client,
        connection=connections[0],
        stack=record.closed,
        operation="loop.close",
        trigger="loop close",
        detail={"connections": len(connections)},
    )


def _tasks(loop: Any, record: LoopRecord, stack: Stack) -> None:
    tasks = tasks_of(loop)
    if not tasks:
        return
    calls = {id(call()) for call in list(TRACKER.active_calls)}
    for task in tasks:
        coroutine = task.get_coro()
        frame = getattr(coroutine, "cr_frame", None)
        where: Stack = (frame.f_code, frame.f_lasti) if frame is not None else ()
        TRACKER.instruments.call("task_left", task, where)
        name = getattr(coroutine, "__qualname__", type(coroutine).__name__)
        TRACKER.report(
            Fact(
                "pending-task-destroyed",
                "leak",
                loop=record,
                stack=where,
                operation="loop.close",
                trigger="loop close",
                detail={
                    "coroutine": name,
                    "closed": stack,
                    "calls": any(id(each) in calls for each, _ in chain(coroutine)),
                },
            )
        )


def _is_attributed(record: ConnectionRecord) -> bool:
    """Returns whether a line or a variable of the person leads to a connection; a library may be about to use it."""
    client = record.client
    if record.opener is None or record.opener.by_person:
        return True
    return client is not None and (client.variable is not None or users_frame(client.created) is not None)


def is_open(record: ConnectionRecord) -> bool:
    """Returns whether a connection's socket is open and nobody has begun to close it."""
    if record.closed:
        return False
    if record.transport is None:
        # uvloop does not expose the transport, so the library's object decides.
        return record.ref is not None and record.ref() is not None
    transport = record.transport()
    if transport is None or transport.is_closing() or getattr(transport, "_sock", True) is None:
        return False
    # Pipes of a child process that has ended, and the transport of that, end by themselves.
    process = getattr(getattr(transport, "_protocol", None), "proc", transport)
    return getattr(process, "_proc", True) is not None and getattr(process, "_returncode", None) is None


def is_dropped(record: ConnectionRecord) -> bool:
    """Returns whether a connection was freed without being closed, which only the collector does."""
    if record.closed:
        return False
    if record.transport is None:
        return record.ref is not None and record.ref() is None
    return record.transport() is None
