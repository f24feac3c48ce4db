"""The record of this process: what detectors tell, and what they may ask.

There is one recorder a process, as there is one set of patches. It holds weak references and numbers only. Its methods
are called from inside other libraries, on any thread, and from finalisers: they take no lock, call nothing of the
program's, and do little.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import weakref
from typing import Any

from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.nesting import is_inside, is_libraries, is_part
from diagnostics.sanitizer.capture.sites import Stack, belongs, capture, contains, file_of, frames, users_frame

CALL: contextvars.ContextVar[CallRecord | None] = contextvars.ContextVar("diagnostics_call", default=None)
"""The call that this code works for; never reset, so ask for the `innermost` that is active."""

FINALISER: contextvars.ContextVar[tuple[str, Stack] | None] = contextvars.ContextVar(
    "diagnostics_finaliser", default=None
)
"""Set while a client's `__del__` runs, and in the tasks it starts: `gc` or `__del__`, and the stack it interrupted."""

MARK = "_diagnostics_record"
"""Attribute of loops, connections and transports that holds their record.

A weak reference alone will not do: the collector clears those before it calls the `__del__` that brings a client, and
all that hangs on it, back to life in order to close it.
"""

LATEST_SDK_CLIENTS = 8
DROPPED_AT_MOST = 100


class Recorder:
    """Everything that is known about loops, clients, connections and calls of this process."""

    def __init__(self) -> None:
        self.on = False
        self.facts: list[Fact] = []
        self.generation = 0
        self.calls = 0
        self.requests = 0
        self.active_calls: dict[int, CallRecord] = {}
        self.clients: dict[int, ClientRecord] = {}
        self.opaque: set[str] = set()
        self.stuck: set[int] = set()
        self._loops: dict[int, LoopRecord] = {}
        self._latest: list[weakref.ref[ClientRecord]] = []
        self._told: set[tuple[Any, ...]] = set()
        self._collecting = False
        self.instruments: list[Any] = []
        self.problems: list[str] = []
        self._used = False

    def note(self, *facts: Fact) -> None:
        """Keeps facts, and hands them to the instruments; one that fails is taken off and is a blind spot."""
        for fact in facts:
            self.facts.append(fact)
            self._emit("fact", fact)

    def take_back(self, fact: Fact) -> None:
        """Forgets a fact that turned out to be none."""
        self.facts.remove(fact)
        self._emit("retracted", fact)

    def _emit(self, event: str, *facts: Fact) -> None:
        for instrument in list(self.instruments):
            try:
                getattr(instrument, event)(*facts)
            except Exception as error:  # noqa: PERF203 - each on its own
                self.instruments.remove(instrument)
                self.problems.append(f"{type(instrument).__name__}: {type(error).__name__}: {error}")

    # Loops

    def loop(self, loop: Any, created: Stack = ()) -> LoopRecord:
        """The record of a loop, made now if it is new."""
        record: LoopRecord | None = getattr(loop, MARK, None)
        if record is None:
            record = LoopRecord(loop, created)
            record.generation = self.generation
            number, loops = record.number, self._loops
            record.ref = weakref.ref(loop, lambda _: loops.pop(number, None))
            loops[number] = record
            setattr(loop, MARK, record)
            if not self._used:
                self._used = True
                self._emit("used")
            if not hasattr(loop, "_check_closed"):  # not built on asyncio's own base class
                self.opaque.add(record.kind)
        return record

    def open_loops(self) -> list[LoopRecord]:
        """Those that nobody has closed yet."""
        return [record for record in list(self._loops.values()) if record.closed is None]

    def running(self) -> LoopRecord | None:
        """The loop that runs in this thread."""
        loop = running_loop()
        return None if loop is None else self.loop(loop)

    # Clients

    def client_built(self, client: Any, name: str, package: str, *, sdk: bool) -> ClientRecord:
        """Notes a client, and whose it is if an SDK's client is being built around it."""
        record = ClientRecord(client, name, package, capture(sys._getframe(1)))
        key = id(client)
        clients = self.clients
        record.ref = weakref.ref(client, lambda _: clients.pop(key, None))
        clients[key] = record
        call = self.current_call()
        if call is not None and call.http is not None and is_libraries(call, package):
            record.owner = call.http  # made in the middle of a call, for it
        elif sdk:
            self._latest = [*self._latest[-LATEST_SDK_CLIENTS:], weakref.ref(record)]
        else:
            for reference in reversed(self._latest):
                around = reference()
                if around is not None and made_by(record, around.package) and contains(record.created, around.created):
                    record.owner = around
                    break
        return record

    def client(self, client: Any) -> ClientRecord | None:
        """The record of a client that was built while watching."""
        record = self.clients.get(id(client))
        return record if record is not None and record.ref() is client else None

    # Calls

    def call_begins(self, client: ClientRecord | None, package: str) -> CallRecord:
        """A request method of a client is entered; inside another one's call it may be part of that."""
        outer = self.current_call()
        if outer is not None and is_part(outer, client, package):
            if client is not None and client is not outer.client:
                self._continues(outer, client)
            return outer
        inside = False
        if outer is not None:
            inside = is_inside(outer)
            outer.outer = outer.outer.innermost() if outer.outer is not None else None  # or ended ones would add up
        call = CallRecord(client, self.running(), package, outer, inside=inside)
        CALL.set(call)
        self.calls += 1
        if client is not None:
            client.outermost.calls += 1
        return call

    def _continues(self, call: CallRecord, client: ClientRecord) -> None:
        """Another client goes on with a call: the HTTP client of an SDK, as a rule."""
        held, around = client.outermost, call.client
        if call.counted is not held and (around is None or held is not around.outermost):
            held.calls += 1
            call.counted = held
        call.http = client
        if client.owner is None and around is not None and made_by(client, around.package):
            client.owner = around

    def call_runs(self, call: CallRecord, coroutine: Any) -> None:
        """Ties a call to the coroutine that is it."""
        if call.coroutine is None:
            key = id(call)
            active = self.active_calls
            call.coroutine = weakref.ref(coroutine, lambda _: active.pop(key, None))
            active[key] = call

    def current_call(self) -> CallRecord | None:
        """The call that the running code works for."""
        call = CALL.get()
        return call.innermost() if call is not None else None

    def sending(self, what: Any) -> None:
        """A request goes out; the same one again, after it went out on another loop's connection, is sent twice."""
        self.requests += 1
        call = self.current_call()
        if call is None:
            return
        if call.http is not None:
            call.http.outermost.requests += 1
        call.latest = what
        if call.foreign is None or call.foreign[0] != what or call.resent:
            return
        call.resent = True
        self.note(
            Fact(
                "duplicate-request",
                "error",
                loop=call.foreign[1].loop,
                client=call.foreign[1].client,
                connection=call.foreign[1],
                call=call,
                current=self.running(),
                stack=capture(sys._getframe(1)),
                operation="request",
                trigger="call",
            )
        )

    # Connections

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
        """A connection is there; it belongs to the loop that runs now."""
        loop = self.running()
        if loop is None:
            return
        record = ConnectionRecord(loop, client, peer, stack or capture(sys._getframe(1)))
        record.generation = self.generation
        setattr(connection, MARK, record)
        _retire_tunnel(record, transport, descriptor)
        if transport is not None:
            record.transport = weakref.ref(transport)
            setattr(transport, MARK, record)

        def gone(_: Any) -> None:
            if record.transport is not None and record.transport() is None and not record.closed:
                # Client and transport went together: the collector's work.
                loop.connections.pop(record.number, None)
                dropped(record)

        record.ref = weakref.ref(connection, gone)
        loop.connections[record.number] = record

    def connection_closed(self, record: ConnectionRecord) -> None:
        """A library closes a connection: on its own loop this is the end of it, elsewhere it is a touch."""
        if record.closed:
            return
        record.closed = True
        running = running_loop()
        if running is not None and record.loop.ref() is running and record.loop.closed is None:
            record.loop.connections.pop(record.number, None)
            if FINALISER.get() is not None:
                dropped(record)
            return
        self.touched(record, "connection.aclose", closing=True)

    # Touches

    def touched(self, record: ConnectionRecord, operation: str, *, closing: bool, stack: Stack | None = None) -> None:
        """Something that belongs to another loop than the running one is used or closed. Told once a call."""
        stack = stack or capture(sys._getframe(1))
        call, finaliser = self.current_call(), FINALISER.get()
        if call is not None and not closing and call.foreign is None:
            call.foreign = (call.latest, record)
        self.touched_loop(
            "cross-loop-close" if closing else "cross-loop-use",
            record.loop,
            operation,
            stack,
            connection=record,
            once=(record.number, call.number if call else closing),
            call=call,
            finaliser=finaliser,
        )

    def touched_loop(
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
        finaliser: tuple[str, Stack] | None = None,
        what: str = "",
    ) -> None:
        """Notes a foreign touch of a connection, or of what else is named, unless the same one was noted before."""
        if once in self._told:
            return
        self._told.add(once)
        current = self.running()
        if current is None and kind.startswith("cross-loop"):
            kind = "use-after-loop-close"
        self.note(
            Fact(
                kind,
                "error",
                loop=loop,
                client=connection.client if connection else client,
                connection=connection,
                call=call,
                current=current,
                stack=task_frames(stack) + finaliser[1] if finaliser else stack,
                operation=operation,
                trigger=finaliser[0] if finaliser else trigger_of(stack, in_call=call is not None),
                detail={"what": what} if what else {},
            )
        )

    # The collector and forks

    def collector(self, phase: str, _: dict[str, int]) -> None:
        """For `gc.callbacks`: tells a `__del__` of the collector's from one of the last reference's."""
        self._collecting = phase == "start"

    def finaliser_begins(self) -> contextvars.Token[tuple[str, Stack] | None]:
        """A client's `__del__` starts."""
        return FINALISER.set(("gc" if self._collecting else "__del__", capture(sys._getframe(1))))

    def watch_collector(self, *, on: bool) -> None:
        """Puts `collector` among the callbacks, or takes it out."""
        if on and self.collector not in gc.callbacks:
            gc.callbacks.append(self.collector)
        elif not on and self.collector in gc.callbacks:
            gc.callbacks.remove(self.collector)

    def forked(self) -> None:
        """This is a child now: its connections are its parent's, its facts will be its own."""
        self.generation += 1
        self._used = False
        self.facts.clear()
        self._told.clear()
        self.active_calls.clear()
        self.calls = self.requests = 0


def dropped(record: ConnectionRecord) -> None:
    """Notes that nobody but the collector closed a connection; some of many are enough to tell of it."""
    if not record.by_collector and len(record.loop.dropped) < DROPPED_AT_MOST:
        record.by_collector = True
        record.loop.dropped.append(record)


def _retire_tunnel(record: ConnectionRecord, transport: Any, descriptor: int | None) -> None:
    """Behind a proxy one connection asks for a tunnel, and another one goes on with its socket, by TLS."""
    if transport is not None:
        earlier = record_of(transport)
    else:
        record.descriptor = descriptor
        earlier = next((each for each in list(record.loop.connections.values()) if _ends_in(each, descriptor)), None)
    if earlier is not None:
        earlier.closed = True
        earlier.loop.connections.pop(earlier.number, None)


def _ends_in(record: ConnectionRecord, descriptor: int | None) -> bool:
    tunnel = record.exchange is not None and record.exchange.tunnel
    return tunnel and descriptor is not None and record.descriptor == descriptor


def record_of(connection: Any) -> ConnectionRecord | None:
    """The record of a connection or transport that was opened while watching."""
    record: ConnectionRecord | None = connection.__dict__.get(MARK)
    return record


def made_by(record: ClientRecord, package: str) -> bool:
    """Whether code of a package built this client itself, and was not handed it."""
    for code, _ in frames(record.created):
        file = file_of(code)
        if package == record.package or not belongs(file, record.package):
            return belongs(file, package)
    return False


def trigger_of(stack: Stack, *, in_call: bool) -> str:
    """What made a touch happen, from the functions on its stack."""
    names = {code.co_name for code, _ in frames(stack[:80]) if "httpcore" in code.co_filename}
    if "_close_connections" in names and "_response_closed" not in names and in_call:
        return "pool eviction"
    if in_call:
        return "call"
    return "user" if users_frame(stack) else "task"


def task_frames(stack: Stack) -> Stack:
    """The frames of a task alone. One that a finaliser started has no line of the program; what it broke into has."""
    for at in range(0, len(stack), 2):
        if stack[at].co_name == "_run" and "asyncio" in stack[at].co_filename:
            return stack[:at]
    return stack


def running_loop() -> Any:
    """The loop that runs in this thread, or nothing; does not import asyncio into a program that does not use it."""
    events = sys.modules.get("asyncio.events")
    return events._get_running_loop() if events is not None else None


RECORDER = Recorder()
