"""A scenario: a name, a sentence, and a generator of the steps of a user's program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from diagnostics.experiment.program import Program, Stage

MISUSE: Final = frozenset(
    {
        # A loop is closed, is another one, or was stopped in the middle of something.
        *("RuntimeError", "InvalidStateError", "CancelledError", "GeneratorExit", "AsyncLibraryNotFoundError"),
        # A transport has lost its loop or its socket: asyncio and anyio do not check for that everywhere.
        *("AttributeError", "AssertionError"),
        # An open connection fails. Not: one that cannot be opened, such as ConnectError, which has its own cause.
        *("ConnectionResetError", "ConnectionAbortedError", "BrokenPipeError", "EOFError", "IncompleteReadError"),
        *("SSLError", "SSLEOFError", "SSLSyscallError", "SSLWantReadError", "SSLWantWriteError", "SSLZeroReturnError"),
        *("ClosedResourceError", "BrokenResourceError", "BusyResourceError", "EndOfStream"),
        *("ReadError", "WriteError", "CloseError", "RemoteProtocolError", "LocalProtocolError", "StreamClosed"),
        *("ClientConnectionResetError", "ClientPayloadError", "ServerDisconnectedError"),
        # A call waits for what no loop will do.
        *("TimeoutError", "ConnectTimeout", "PoolTimeout", "ReadTimeout", "WriteTimeout"),
        *("ConnectionTimeoutError", "ServerTimeoutError", "SocketTimeoutError"),
        # Another call's answer.
        "WrongAnswer",
    }
)
"""The classes of the exceptions that a client provokes when more than one loop uses it."""

SHARED: Final = frozenset({"BadHttpMessage", "BadStatusLine", "DecodingError", "JSONDecodeError", "UnicodeDecodeError"})
"""Those of an answer that two readers of one connection have torn apart."""


@dataclass(frozen=True)
class Scenario:
    """An order of events that provokes the error.

    Attributes:
        summary: what the program does, in a sentence.
        play: yields the steps. Code between two `yield` runs between the two steps, outside any loop unless the fix
            runs the whole program in one.
        needs_fork: it needs `os.fork`.
        in_order: whether its batches follow one another, so that one can work because another has failed.
        provokes: the names of the classes of exceptions that it can provoke. A program that fails with others only
            shows nothing of the error.
    """

    name: str
    summary: str
    play: Callable[[Stage], Program]
    needs_fork: bool = False
    in_order: bool = True
    provokes: frozenset[str] = MISUSE
