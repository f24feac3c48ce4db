"""What is recorded: loops, clients, connections, calls, and the facts that findings are made of.

Plain classes with slots, because these modules are loaded into a program that is to start no slower. Each holds at most
a weak reference to the live thing it stands for. Nothing here reads a clock, patches or judges.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any

from diagnostics.sanitizer.capture.sites import Stack

Reference = Any

_numbers = itertools.count(1)


def _gone() -> None:
    """Stands for the weak reference to what lives in another process."""


class LoopRecord:
    """An event loop.

    Attributes:
        created: where it was made; empty if that was before the watch or cannot be seen.
        closed: where it was closed; `None` while it is open.
        connections: those opened on it and not known to be closed, by the id of their record.
        dropped: for each client, a connection that only the collector closed and how many there were.
        generation: how many forks this process had behind it when the loop was first seen.
    """

    __slots__ = ("__weakref__", "closed", "connections", "created", "dropped", "generation", "kind", "number", "ref")

    def __init__(self, loop: Any, created: Stack, kind: str = "") -> None:
        self.number = next(_numbers)
        self.ref: Reference = weakref.ref(loop) if loop is not None else _gone
        self.kind = kind or type(loop).__module__.split(".")[0]
        self.created = created
        self.closed: Stack | None = None
        self.connections: dict[int, ConnectionRecord] = {}
        self.dropped: list[ConnectionRecord] = []
        self.generation = 0


class ClientRecord:
    """A client object of a library that is known here.

    Attributes:
        name: as its users write it, such as `openai.AsyncOpenAI`.
        package: import name of the library it belongs to.
        created: where it was made.
        owner: the client that made this one for itself, if one did.
    """

    __slots__ = ("__weakref__", "calls", "created", "name", "number", "owner", "package", "ref", "requests")

    def __init__(self, client: Any, name: str, package: str, created: Stack) -> None:
        self.number = next(_numbers)
        self.ref: Reference = weakref.ref(client) if client is not None else _gone
        self.name = name
        self.package = package
        self.created = created
        self.owner: ClientRecord | None = None
        self.calls = 0
        self.requests = 0

    @property
    def outermost(self) -> ClientRecord:
        """The client that a person would name."""
        return self.owner.outermost if self.owner is not None else self


class ConnectionRecord:
    """A pooled connection.

    Attributes:
        transport: asyncio's transport beneath it; `None` where the loop does not show one (uvloop).
        descriptor: number of its socket, where there is no transport.
        generation: how many forks this process had behind it when it was opened.
        closed: whether the library closed it, on any loop.
        by_collector: whether that was the work of a `__del__`.
        exchange: the request that went out last, on a connection that has one at a time (HTTP/1.1).
    """

    __slots__ = (
        "__weakref__",
        "by_collector",
        "client",
        "closed",
        "descriptor",
        "exchange",
        "generation",
        "loop",
        "number",
        "opened",
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
        self.exchange: Exchange | None = None
        self.descriptor: int | None = None


class Exchange:
    """A request and its response.

    Attributes:
        call: what sent it, which has not returned before the response has begun.
        tunnel: whether it asks a proxy for a tunnel, which no program reads.
        whole: whether the response is read at once, as a plain `get` does.
        response: what a program reads, known once somebody closes it.
        closed: whether the program closed that, on its own loop.
        told: that the response was left, which nobody can know for sure before the program might have closed it.
    """

    __slots__ = ("call", "closed", "response", "told", "tunnel", "whole")

    def __init__(self, call: CallRecord | None, *, tunnel: bool) -> None:
        self.call = call
        self.tunnel = tunnel
        self.whole = False
        self.response: Reference | None = None
        self.closed = False
        self.told: Fact | None = None

    @property
    def is_stream(self) -> bool:
        """Whether the response, if there is one, is handed to the program piece by piece."""
        pending = self.call is not None and self.call.active
        return not (self.tunnel or self.whole or pending)


class CallRecord:
    """A call of the person's, from a client's request method until that returns.

    Attributes:
        package: import name of the library whose method it is.
        http: the client at work for it, which may be one beneath `client`.
        outer: the call that it is made inside of, if it is not part of that.
        inside: whether that one waits for this one.
        coroutine: the call is over when it is gone or has finished.
        latest: the request that went out last, as something that can be compared.
        foreign: the request, and the connection of another loop that it went out on.
    """

    __slots__ = (
        "__weakref__",
        "client",
        "coroutine",
        "counted",
        "foreign",
        "http",
        "inside",
        "latest",
        "loop",
        "number",
        "outer",
        "package",
        "resent",
    )

    def __init__(
        self,
        client: ClientRecord | None,
        loop: LoopRecord | None,
        package: str = "",
        outer: CallRecord | None = None,
        *,
        inside: bool = False,
    ) -> None:
        self.number = next(_numbers)
        self.client = client
        self.http = client
        self.loop = loop
        self.package = package
        self.outer = outer
        self.inside = inside
        self.coroutine: Reference | None = None
        self.counted: ClientRecord | None = None
        self.latest: Any = None
        self.foreign: tuple[Any, ConnectionRecord] | None = None
        self.resent = False

    @property
    def frame(self) -> Any:
        """The frame of its coroutine; `None` once it has returned."""
        coroutine = self.coroutine() if self.coroutine is not None else None
        return getattr(coroutine, "cr_frame", None)

    @property
    def active(self) -> bool:
        """Whether it has not returned yet."""
        return self.frame is not None

    def innermost(self) -> CallRecord | None:
        """This one, or the next one outside it, that has not returned yet."""
        call: CallRecord | None = self
        while call is not None and not call.active:
            call = call.outer
        return call


class Fact:
    """One thing that happened; `judging` turns facts into findings.

    Attributes:
        number: counts up; gaps are no facts.
        kind: of the finding it leads to.
        stack: the access, innermost frame first.
        trigger: `user`, `call`, `gc`, `__del__`, `pool eviction`, `task` or `loop close`.
        current: the loop whose code was running, if any.
        detail: words for the message, depending on the kind.
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
