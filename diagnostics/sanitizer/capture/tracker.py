"""Tracks the loops, clients, connections and calls of this process, and sends events about them to instruments.

Detectors report to the one `TRACKER` of the process and ask it for records. It holds weak references and numbers only.
Its methods are called from inside other libraries, on any thread, and from finalizers: they take no lock, call no code
of the program, and do little.
"""

from __future__ import annotations

import contextvars
import sys
import weakref
from collections.abc import Iterable
from types import FrameType
from typing import Any

from diagnostics.sanitizer.capture import running
from diagnostics.sanitizer.capture.budget import Budget
from diagnostics.sanitizer.capture.connections import MARK, dropped, keep, retire_tunnel
from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.holders import holder, local_variable, search
from diagnostics.sanitizer.capture.instruments import Instruments, Problems
from diagnostics.sanitizer.capture.nesting import is_inside, is_libraries, is_part, made_by
from diagnostics.sanitizer.capture.owners import client_keeping, resolve
from diagnostics.sanitizer.capture.repetitions import LostRequests
from diagnostics.sanitizer.capture.running import running_loop
from diagnostics.sanitizer.capture.sites import Stack, capture, contains, is_finalized, task_frames, trigger_of

CALL: contextvars.ContextVar[CallRecord | None] = contextvars.ContextVar("diagnostics_call", default=None)
"""The call that this code works for. It is never reset, so use the `innermost` call that is active."""

FINALIZER: contextvars.ContextVar[tuple[str, Stack] | None] = contextvars.ContextVar(
    "diagnostics_finalizer", default=None
)
"""Set while a client's `__del__` runs, and in the tasks it starts: `gc` or `__del__`, and the stack it interrupted."""

MAX_RECENT_SDK_CLIENTS = 8


class Tracker:
    """Everything that is known about the loops, clients, connections and calls of this process.

    Attributes:
        on: whether the process is instrumented.
        generation: how many times this process was forked.
        opaque: packages of loops that are not built on asyncio's base class, and trio.
        calls: how many calls there were; `requests` is the number of requests.
        active_calls: calls that have not ended.
        budget: how many facts are reported.
        collecting: whether the garbage collector is running.
        problems: detectors that failed, one line each.
        several: whether two loops were open at once.
        home: the thread that began to instrument the process.
        roaming: loops with connections that work on any loop.
        elsewhere: libraries whose connections are not transports of asyncio.
    """

    def __init__(self) -> None:
        self.instruments = Instruments()
        self.on = False
        self.generation = 0
        self.calls = 0
        self.requests = 0
        self._no_active_calls()
        self.clients: dict[int, ClientRecord] = {}
        self.opaque: set[str] = set()
        self.collecting = False
        self.problems = Problems()
        self.several = self.threads = False
        self.home = 0
        self.roaming: set[LoopRecord] = set()
        self.elsewhere: set[str] = set()
        self._loops: dict[int, LoopRecord] = {}
        # Loops that have opened a connection. That connection holds the record, also when the loop is gone.
        self._openers: weakref.WeakSet[LoopRecord] = weakref.WeakSet()
        self._recent: list[weakref.ref[ClientRecord]] = []
        self.budget = Budget(self.instruments)
        self._lost = LostRequests()

    def _no_active_calls(self) -> None:
        # A new dictionary each time: callbacks of calls of the parent of this process still find theirs in the old one.
        self.active_calls: dict[Any, CallRecord] = {}
        self._call_ended = self.active_calls.pop

    def report(self, *facts: Fact, once: tuple[Any, ...] = ()) -> None:
        """Sends facts to the instruments, if the budget admits them; `once` identifies one that counts once."""
        for fact in facts:
            if not self.budget.admits(fact, once):
                continue
            if fact.client is None and fact.connection is not None:
                self.find_clients([fact.connection])
                fact.client = fact.connection.client
            if fact.client is not None:
                search(fact.client.outermost)
            self.instruments.call("fact", fact)

    def find_clients(self, connections: Iterable[ConnectionRecord]) -> None:
        """Finds the clients of connections that were recorded without one, as `record.client`."""
        unknown = [each for each in connections if each.client is None and each.opener is not None]
        if unknown:
            resolve(unknown, self.clients)

    def client_keeping(self, lock: Any, loop: LoopRecord, frame: FrameType | None) -> ClientRecord | None:
        """Finds the client that a lock, queue or event is part of; for the person's own, returns a record of itself."""
        return client_keeping(lock, loop.ref(), frame, self.clients)

    # Loops

    def loop(self, loop: Any, created: Stack = ()) -> LoopRecord:
        """Returns the record of a loop; makes it if the loop is new."""
        record: LoopRecord | None = getattr(loop, MARK, None)
        if record is None:
            record = LoopRecord(loop, created)
            record.generation = self.generation
            number, loops = record.number, self._loops
            record.ref = weakref.ref(loop, lambda _: loops.pop(number, None))
            loops[number] = record
            setattr(loop, MARK, record)
            if not hasattr(loop, "_check_closed"):  # not built on asyncio's own base class
                self.opaque.add(record.kind)
            self.instruments.call("loop_created", record, loop)
        return record

    def open_loops(self) -> list[LoopRecord]:
        """Returns the loops that are not closed."""
        return [record for record in list(self._loops.values()) if record.closed is None]

    def opens(self, loop: LoopRecord) -> None:
        """Records that a loop opens a connection."""
        self._openers.add(loop)

    def is_only_opener(self) -> bool:
        """Returns whether no connection can belong to another loop than the one that runs."""
        return len(self._openers) == 0 or (len(self._openers) == 1 and self.running() in self._openers)

    def running(self) -> LoopRecord | None:
        """Returns the loop that runs in this thread."""
        return None if (loop := running_loop()) is None else self.loop(loop)

    # Clients

    @gc_neutral
    def client_created(self, client: Any, name: str, package: str, *, sdk: bool) -> ClientRecord:
        """Records a client. An HTTP client that is created while an SDK client is being built belongs to that one."""
        record = ClientRecord(client, name, package, capture(sys._getframe(2)))
        record.holder = holder(sys._getframe(2), package)
        if record.holder is not None and record.holder.how == "used" and record.holder.ref is not None:
            record.variable = local_variable(record.holder.ref())  # which may be gone when there is something to report
        key, clients = id(client), self.clients
        record.ref = weakref.ref(client, lambda _: clients.pop(key, None))
        clients[key] = record
        call = self.current_call()
        if call is not None and call.http is not None and is_libraries(call, package):
            record.owner = call.http  # created in the middle of a call, for that call
        elif sdk:
            self._recent = [*self._recent[-MAX_RECENT_SDK_CLIENTS:], weakref.ref(record)]
        else:
            record.owner = self._sdk_client_around(record)
        self.instruments.call("client_created", record, client)
        return record

    def _sdk_client_around(self, record: ClientRecord) -> ClientRecord | None:
        for reference in reversed(self._recent):
            around = reference()
            if around is not None and made_by(record, around.package) and contains(record.created, around.created):
                return around
        return None

    def client(self, client: Any) -> ClientRecord | None:
        """Returns the record of a client that was created while this process was instrumented."""
        return self.clients.get(id(client))  # a client that is freed removes itself

    # Calls

    def call_started(self, client: ClientRecord | None, package: str, coroutine: Any) -> CallRecord | None:
        """Records a call, which is a coroutine that has not begun; returns `None` if it is part of another call."""
        outer = CALL.get()
        if outer is not None:  # usually the last call of this task, which has ended
            outer = None if outer.outer is None and outer() is None else self.current_call()
        try:
            loop = running.events._get_running_loop()._diagnostics_record  # `MARK`, in the fastest way
        except AttributeError:
            loop = self.running()
        call = CallRecord(coroutine, self._call_ended)
        call.client, call.loop = client, loop
        call.package, call.outer, call.sender = package, outer, None
        if outer is not None:
            if is_part(outer, client, package):
                if client is not None and client is not outer.client:
                    self._continues(outer, client)
                return None
            call.inside = is_inside(outer)
            # Skip calls that have returned, or the chain would grow for ever.
            outer.outer = outer.outer.innermost() if outer.outer is not None else None
        CALL.set(call)
        self.active_calls[call] = call
        self.calls += 1
        if client is not None:
            (client if client.owner is None else client.outermost).calls += 1
        if "call_started" in self.instruments.hooks:
            self.instruments.call("call_started", call)
        return call

    def _continues(self, call: CallRecord, client: ClientRecord) -> None:
        """Another client, usually the HTTP client of an SDK, continues a call."""
        outermost, around = client.outermost, call.client
        if call.counted is not outermost and (around is None or outermost is not around.outermost):
            outermost.calls += 1
            call.counted = outermost
        call.sender = client
        if client.owner is None and around is not None and made_by(client, around.package):
            client.owner = around

    def current_call(self) -> CallRecord | None:
        """Returns the call that the running code works for."""
        call = CALL.get()
        if call is None:
            return None
        coroutine = call()
        if coroutine is None:
            return None if call.outer is None else call.outer.innermost()
        return call if getattr(coroutine, "cr_running", False) else call.innermost()

    def sending(self, request: Any, headers: Any = ()) -> CallRecord | None:
        """Records that a request goes out, as a value that can be compared; returns the call that it belongs to.

        The same request after one on another loop's connection is sent twice.
        """
        call = CALL.get()
        try:
            running = call().cr_running  # type: ignore[union-attr, misc]
        except (AttributeError, TypeError):  # there is no call, it has returned, or it is no coroutine
            running = False
        if not running:
            call = self.current_call()
        self.requests += 1
        if call is None:
            return None
        client = call.sender or call.client
        if client is not None:
            (client if client.owner is None else client.outermost).requests += 1
        call.latest, call.headers = request, headers
        if self._lost.any and (repeated := self._lost.repetition(call, request, headers, self.running())) is not None:
            self.report(repeated)
        return call

    # Connections

    @gc_neutral
    def connection_opened(
        self,
        connection: Any,
        peer: str,
        transport: Any,
        client: ClientRecord | None,
        *,
        descriptor: int | None,
        stack: Stack | None = None,
    ) -> None:
        """Records a new connection; it belongs to the running loop."""
        loop = self.running()
        if loop is None:
            return
        self.opens(loop)
        record = ConnectionRecord(loop, client, peer, stack or capture(sys._getframe(2)))
        record.generation = self.generation
        setattr(connection, MARK, record)
        retire_tunnel(record, transport, descriptor)
        if transport is not None:
            record.transport = weakref.ref(transport)
            setattr(transport, MARK, record)

        def gone(_: Any) -> None:
            if record.transport is not None and record.transport() is None and not record.closed:
                # The client and the transport went together, so the collector freed them.
                loop.connections.pop(record.number, None)
                dropped(record)

        record.ref = weakref.ref(connection, gone)
        keep(record)
        self.instruments.call("connection_opened", record)

    def connection_used(self, record: ConnectionRecord) -> None:
        """Records that a request goes out on a connection."""
        if record.loop.ref() is running.events._get_running_loop():
            if "connection_used" in self.instruments.hooks:
                self.instruments.call("connection_used", record)
        else:
            self.foreign_connection(record, "connection.send", closing=False)

    def connection_closed(self, record: ConnectionRecord) -> None:
        """Records that a library closes a connection. On another loop than its own that is a foreign access."""
        if record.closed:
            return
        record.closed = True
        running = running_loop()
        if running is not None and record.loop.ref() is running and record.loop.closed is None:
            record.loop.connections.pop(record.number, None)
            if FINALIZER.get() is not None:
                dropped(record)
        elif self.foreign_connection(record, "connection.aclose", closing=True):
            return
        self.instruments.call("connection_closed", record)

    # Foreign access: something that belongs to a loop is used or closed by code that this loop does not run.
    def foreign_connection(
        self, record: ConnectionRecord, operation: str, *, closing: bool, stack: Stack | None = None, **detail: Any
    ) -> bool:
        """Reports the foreign access of a connection, once a call; returns whether this is the first one."""
        stack = stack or capture(sys._getframe(1))
        call = self.current_call()
        if call is not None and closing and self.budget.has((record.loop.number, call.number)):
            return False  # the call has used that loop in another way and gives its connection up
        if call is not None and not closing and call.foreign is None:
            call.foreign = (call.request[0], record)
            self._lost.add(*call.request, record)
        return self.foreign_access(
            "cross-loop-close" if closing else "cross-loop-use",
            record.loop,
            operation,
            stack,
            connection=record,
            once=(record.number, call.number if call else closing),
            call=call,
            finalizer=FINALIZER.get(),
            **detail,
        )

    def foreign_access(
        self,
        kind: str,
        loop: LoopRecord,
        operation: str,
        stack: Stack,
        *,
        once: tuple[Any, ...],
        connection: ConnectionRecord | None = None,
        client: ClientRecord | None = None,
        call: CallRecord | None = None,
        finalizer: tuple[str, Stack] | None = None,
        **detail: Any,
    ) -> bool:
        """Reports a foreign access of a connection, or of `what`, unless `once` was reported before."""
        if self.budget.has(once):
            return False
        current = self.running()
        is_open = loop.closed is None and (connection is not None or "thread" in detail)
        if current is None and kind.startswith("cross-loop") and not is_open:
            kind = "use-after-loop-close"
        # Left to a finalizer: that the object was left open is the mistake, whether or not the collector ran.
        tidied = current is None and call is None and is_finalized(stack)
        finalized = tidied or finalizer is not None or (call is None and is_finalized(stack, by_library=True))
        self.report(
            Fact(
                kind,
                "leak" if finalized else "error",
                loop=loop,
                client=connection.client if connection else client,
                connection=connection,
                call=call,
                current=current,
                stack=task_frames(stack) + finalizer[1] if finalizer else stack,
                operation=operation,
                trigger=finalizer[0] if finalizer else self._trigger(stack, connection, call),
                detail={"owner_open": loop.closed is None, "tidied": tidied, **detail},
            ),
            once=once,
        )
        return True

    def _trigger(self, stack: Stack, connection: ConnectionRecord | None, call: CallRecord | None) -> str:
        if connection is not None and connection.opener is not None and is_finalized(stack):
            return "gc" if self.collecting else "__del__"
        return trigger_of(stack, in_call=call is not None)

    # The garbage collector and forks

    def collector(self, phase: str, info: dict[str, int]) -> None:
        """A callback for `gc.callbacks`: tells a `__del__` run by the collector from one run by the last reference."""
        self.collecting = phase == "start"
        if self.collecting:
            self.instruments.call("collection_started", info["generation"])

    def finalizer_started(self, client: Any) -> contextvars.Token[tuple[str, Stack] | None]:
        """Records that a client's `__del__` begins."""
        self.instruments.call("client_finalized", client)
        return FINALIZER.set(("gc" if self.collecting else "__del__", capture(sys._getframe(1))))

    def forked(self) -> None:
        """Starts over in a child: connections that are open now belong to the parent."""
        self.generation += 1
        self.budget = Budget(self.instruments)
        self._no_active_calls()
        self.calls = self.requests = 0
        self.instruments.call("forked")


TRACKER = Tracker()
