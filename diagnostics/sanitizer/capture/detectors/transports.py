"""asyncio's own transports: every connection, pipe and child process, whichever library opened it.

A record is made as the transport is, and dropped as the transport begins to close; nothing is added to reading and
writing. httpcore and aiohttp know more about their connections, and their records replace these. The patches are a
`__new__` and a descriptor, so no traceback of the program has a frame of the sanitizer.
"""

from __future__ import annotations

import sys
from typing import Any

from diagnostics.sanitizer.capture.connections import MARK, record_of
from diagnostics.sanitizer.capture.facts import LoopRecord
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral_without_frames
from diagnostics.sanitizer.capture.openers import Opener, opening
from diagnostics.sanitizer.capture.patching import Patch
from diagnostics.sanitizer.capture.recorded_connections import closes, recorded
from diagnostics.sanitizer.capture.sites import Stack, task_frames
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.capture.transport_use import watch


class _Made:
    """Builds a `__new__` that observes each transport with the arguments that its `__init__` will get."""

    def __init__(self, protocol_at: int) -> None:
        self._protocol_at = protocol_at

    def __call__(self, original: Any, patch: Patch) -> Any:
        owner = getattr(sys.modules[patch.module], patch.owner)
        create = original.__func__ if isinstance(original, staticmethod) else original
        plain = object.__new__

        def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            following = super(owner, cls).__new__ if create is None else create
            made = plain(cls) if following is plain else following(cls, *args, **kwargs)
            if patch.on:
                try:
                    if (len(args) <= _SERVER or not _is_server(args[_SERVER])) and kwargs.get("server") is None:
                        opened(made, args[0], args[self._protocol_at], sys._getframe(1))
                    elif TRACKER.several:
                        watch(made)
                except Exception as error:
                    patch.fail(error)
            return made

        return staticmethod(__new__)


class _Ends:
    """`_call_connection_lost` of a transport: looking it up is the beginning of its end."""

    def __init__(self, original: Any, patch: Patch) -> None:
        self._original = original
        self._patch = patch

    def __get__(self, transport: Any, owner: type | None = None) -> Any:
        # Asking for the `__dict__` would create it.
        if transport is not None and (record := getattr(transport, MARK, None)) is not None and self._patch.on:
            try:
                closes(record, sys._getframe(1))
            except Exception as error:
                self._patch.fail(error)
        return self._original.__get__(transport, owner)


def opened(transport: Any, loop: Any, protocol: Any, frame: Any) -> None:
    """A transport is being made; its `__init__` has not run."""
    process = getattr(protocol, "proc", None)
    parent = record_of(process) if hasattr(process, "__dict__") else None
    if parent is not None and parent.opener is not None:
        made(transport, TRACKER.loop(loop), parent.opener, parent.opened)
        return
    record = TRACKER.loop(loop)
    found = opening(frame, protocol, (record.number, record.runs))
    if found is not None:
        made(transport, record, *found)


@gc_neutral_without_frames
def made(transport: Any, loop: LoopRecord, found: Opener, stack: Stack) -> None:
    """Makes the record of a transport that no server has accepted."""
    # Not the frames that run the loop of a library's task.
    record = recorded(transport, loop, found, stack if found.by_person else task_frames(stack))
    record.transport = record.ref
    if TRACKER.several:
        watch(transport)


def _is_server(argument: Any) -> bool:
    """Whether an argument is the server that accepts a connection, and not what a datagram transport has there."""
    return argument is not None and hasattr(argument, "_attach")


_SERVER = 5
"""Where the server is among the arguments of a transport of a socket."""

_CLASSES = (
    ("selector_events", "_SelectorTransport", 2),
    ("proactor_events", "_ProactorBasePipeTransport", 2),
    ("unix_events", "_UnixReadPipeTransport", 2),
    ("unix_events", "_UnixWritePipeTransport", 2),
    ("base_subprocess", "BaseSubprocessTransport", 1),
)
"""Class, and where its protocol is among the arguments."""

PATCHES = [
    patch
    for module, owner, protocol_at in _CLASSES
    for patch in (
        Patch(f"asyncio.{module}", owner, "__new__", _Made(protocol_at), optional=module == "proactor_events"),
        Patch(f"asyncio.{module}", owner, "_call_connection_lost", _Ends, optional=module == "proactor_events"),
    )
]
