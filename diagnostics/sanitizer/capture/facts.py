"""What is recorded: loops, clients, connections, calls, and the facts that findings are made of.

Plain classes, because dataclasses would slow down the start of the program. A record holds at most a weak
reference to the object it stands for, so it extends no lifetime.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any, Final

from diagnostics.sanitizer.capture.holders import ClientHolder, Variable
from diagnostics.sanitizer.capture.openers import Opener
from diagnostics.sanitizer.capture.sites import Stack

Reference = Any

SESSION_REQUEST = "session.request"
"""The operation of a fact for each request that a session of another loop gets."""

_numbers = itertools.count(1)


now: Final[Callable[[], int]] = _numbers.__next__
"""Returns a number above those of all records so far, and below those to come."""


def _gone() -> None:
    """Stands for the weak reference to what lives in another process."""


class _Mark:
    """A record that is an attribute of what it describes; copies and pickles of that have `None` instead."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return type(None), ()


MAX_CONNECTIONS: Final = 512

KEPT: Final = "kept by a thread"
"""The purpose of a loop to which other threads give coroutines."""


class LoopRecord(_Mark):
    """An event loop.

    Attributes:
        created: where it was created; empty if that was before `install` or cannot be seen.
        closed: where it was closed; `None` while it is open.
        connections: connections that are not known to be closed, by number.
        connections_at_most: how many there may be before those that are freed are looked for.
        dropped: connections that only the collector closed, at most `MAX_DROPPED`.
        generation: how often this process had been forked when the loop was first seen.
        purpose: what the loop was created for, in words, if its creator says so.
        runs: how often the loop began to run or returned.
    """

    __slots__ = (
        "__weakref__",
        "closed",
        "connections",
        "connections_at_most",
        "created",
        "dropped",
        "generation",
        "kind",
        "number",
        "purpose",
        "ref",
        "runs",
    )

    def __init__(self, loop: Any, created: Stack, kind: str = "") -> None:
        self.number = next(_numbers)
        self.ref: Reference = weakref.ref(loop) if loop is not None else _gone
        self.kind = kind or type(loop).__module__.split(".")[0]
        self.created = created
        self.closed: Stack | None = None
        self.connections: dict[int, ConnectionRecord] = {}
        self.connections_at_most = MAX_CONNECTIONS
        self.dropped: list[ConnectionRecord] = []
        self.generation = 0
        self.purpose = ""
        self.runs = 0


class ClientRecord:
    """A client object of a known library.

    Attributes:
        name: as users write it, such as `openai.AsyncOpenAI`.
        package: import name of the library it belongs to.
        created: where it was created.
        owner: the client that created this one for its own use, if any.
        holder: who got it, if other code than the person's created it.
        variable: of the person's code that keeps it; searched for when there is something to report.
    """

    __slots__ = (
        "__weakref__",
        "calls",
        "created",
        "holder",
        "name",
        "number",
        "owner",
        "package",
        "ref",
        "requests",
        "searches",
        "variable",
    )

    def __init__(self, client: Any, name: str, package: str, created: Stack) -> None:
        self.number = next(_numbers)
        self.ref: Reference = weakref.ref(client) if client is not None else _gone
        self.name = name
        self.package = package
        self.created = created
        self.owner: ClientRecord | None = None
        self.holder: ClientHolder | None = None
        self.variable: Variable | None = None
        self.searches = 0
        self.calls = 0
        self.requests = 0

    @property
    def outermost(self) -> ClientRecord:
        """The client that the program created: this one, or the one around it."""
        return self.owner.outermost if self.owner is not None else self


class ConnectionRecord(_Mark):
    """A pooled connection.

    Attributes:
        transport: asyncio's transport; `None` if the loop does not expose it (uvloop).
        descriptor: file descriptor of the socket, if there is no transport.
        generation: how often this process had been forked when it was opened.
        closed: whether the library closed it, on any loop.
        by_collector: whether a `__del__` did that.
        exchange: the last request, on a connection that has one at a time (HTTP/1.1).
        opener: who opened it, where that is all there is to tell the client by.
        anywhere: whether it works on any loop, so that it may be closed after its own.
    """

    __slots__ = (
        "__weakref__",
        "anywhere",
        "by_collector",
        "client",
        "closed",
        "descriptor",
        "exchange",
        "generation",
        "loop",
        "number",
        "opened",
        "opener",
        "peer",
        "ref",
        "transport",
    )

    def __init__(self, loop: LoopRecord, client: ClientRecord | None, peer: str, opened: Stack) -> None:
        self.number = next(_numbers)
        self.ref: Reference | None = None
        self.transport: Reference | None = None
        self.loop = loop
        self.client = client
        self.peer = peer
        self.opened = opened
        self.generation = 0
        self.closed = False
        self.by_collector = False
        self.anywhere = False
        self.exchange: Exchange | None = None
        self.opener: Opener | None = None
        self.descriptor: int | None = None


class Exchange:
    """A request and its response.

    Attributes:
        call: the call that sent it; it does not return before the response begins.
        tunnel: whether it asks a proxy for a tunnel; no program reads that response.
        whole: whether the response is read at once, as a plain `get` does.
        response: the object that the program reads, known once it is closed.
        closed: whether the program closed it, on its own loop.
        abandoned: the fact that the response was abandoned; withdrawn if the program closes the response after all.
    """

    # Defaults of the class, because there is one exchange for each request.
    whole = False
    response: Reference | None = None
    closed = False
    abandoned: Fact | None = None

    def __init__(self, call: CallRecord | None, *, tunnel: bool) -> None:
        self.call = call
        self.tunnel = tunnel

    @property
    def is_stream(self) -> bool:
        """Whether the program receives the response piece by piece."""
        pending = self.call is not None and self.call.active
        return not (self.tunnel or self.whole or pending)


class CallRecord(weakref.ref):  # type: ignore[type-arg] # Python 3.10 has no `ref[Any]` to inherit
    """A call, from a client's request method until that returns; also the weak reference to its coroutine.

    As one object it costs a request 1,200 instructions less than as two. The call ends when the coroutine finishes or
    is freed.

    Attributes:
        package: import name of the library that was called.
        sender: the client that sends the requests, if that is one inside `client`.
        outer: the call inside which this one was made, if it is not part of that call.
        inside: whether `outer` waits for this call.
        latest: the last request, as a value that can be compared; read it, and its headers, as `request`.
        foreign: the request that went out on a connection of another loop, and that connection.
        stuck: whether a `stuck-waiter` was reported for it.
    """

    # Slots for what each request sets, because there is one record for each; defaults of the class for the rest. Who
    # makes one sets them, but for those of the request: an `__init__` would cost as much as they do.
    __slots__ = ("__dict__", "client", "headers", "latest", "loop", "outer", "package", "sender")

    client: ClientRecord | None
    loop: LoopRecord | None
    package: str
    outer: CallRecord | None
    sender: ClientRecord | None
    latest: Any
    headers: Any
    _number = 0
    inside = False
    counted: ClientRecord | None = None
    foreign: tuple[Any, ConnectionRecord] | None = None
    resent = False
    stuck = False

    # References to one object are equal; records are not.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @classmethod
    def of_another_process(cls) -> CallRecord:
        """Returns a call of which only the identity is known."""
        call = cls(_gone)
        call.client = call.loop = call.outer = call.sender = None
        call.package = ""
        return call

    @property
    def number(self) -> int:
        """A number that identifies the call."""
        if not self._number:
            self._number = next(_numbers)
        return self._number

    @property
    def request(self) -> tuple[Any, Any]:
        """The last request, as a value that can be compared, and its headers; `None` and nothing before the first."""
        return getattr(self, "latest", None), getattr(self, "headers", ())

    @property
    def http(self) -> ClientRecord | None:
        """The client that sends the requests, which may be one inside `client`."""
        return self.sender or self.client

    @property
    def frame(self) -> Any:
        """The frame of the coroutine; `None` when the call has returned."""
        return getattr(self(), "cr_frame", None)

    @property
    def active(self) -> bool:
        """Whether the call has not returned."""
        coroutine = self()
        # Asking for the frame creates an object, and the coroutine that asks is usually running.
        return coroutine is not None and (
            getattr(coroutine, "cr_running", False) or getattr(coroutine, "cr_frame", None) is not None
        )

    def innermost(self) -> CallRecord | None:
        """Returns this call or, if it has returned, the nearest outer call that has not."""
        call: CallRecord | None = self
        while call is not None and not call.active:
            call = call.outer
        return call


class Fact:
    """One thing that happened; `analyze` turns facts into findings.

    Attributes:
        number: increases; there may be gaps.
        kind: kind of the finding.
        stack: the access, innermost frame first.
        trigger: `user`, `call`, `gc`, `__del__`, `pool eviction`, `task` or `loop close`.
        current: the loop whose code was running, if any.
        detail: values for the message, depending on the kind.
    """

    __slots__ = (
        "call",
        "client",
        "connection",
        "count",
        "current",
        "detail",
        "kind",
        "loop",
        "number",
        "operation",
        "severity",
        "stack",
        "trigger",
    )

    def __init__(self, kind: str, severity: str, *, loop: LoopRecord | None = None, **words: Any) -> None:
        self.number = next(_numbers)
        self.kind = kind
        self.severity = severity
        self.loop = loop
        self.client: ClientRecord | None = words.get("client")
        self.connection: ConnectionRecord | None = words.get("connection")
        self.call: CallRecord | None = words.get("call")
        self.current: LoopRecord | None = words.get("current")
        self.stack: Stack = words.get("stack", ())
        self.operation: str = words.get("operation", "")
        self.trigger: str = words.get("trigger", "")
        self.detail: dict[str, Any] = words.get("detail", {})
        self.count: int = words.get("count", 1)
