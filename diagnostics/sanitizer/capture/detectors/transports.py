"""asyncio's own transports: every connection, pipe and child process, whichever library opened it.

A record is made as the transport is, and dropped as the transport begins to close; nothing is added to reading and
writing. httpcore and aiohttp know more about their connections, and their records replace these. The patches are a
`__new__` and a descriptor, so no traceback of the program has a frame of the sanitizer.
"""

from __future__ import annotations

import sys
from typing import Any

from diagnostics.sanitizer.capture.connections import record_of
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.openers import Opener, opener
from diagnostics.sanitizer.capture.patching import Patch
from diagnostics.sanitizer.capture.recorded_connections import closes, recorded
from diagnostics.sanitizer.capture.sites import Stack, capture, task_frames
from diagnostics.sanitizer.capture.tracker import TRACKER


class _Made:
    """Builds a `__new__` that observes each transport with the arguments that its `__init__` will get."""

    def __init__(self, protocol_at: int) -> None:
        self._protocol_at = protocol_at

    def __call__(self, original: Any, patch: Patch) -> Any:
        owner = getattr(sys.modules[patch.module], patch.owner)
        create = original.__func__ if isinstance(original, staticmethod) else original

        def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            following = super(owner, cls).__new__ if create is None else create
            made = following(cls) if following is object.__new__ else following(cls, *args, **kwargs)
            if patch.on and kwargs.get("server") is None:
                try:
                    opened(made, args[0], args[self._protocol_at], sys._getframe(1))
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
        if transport is not None and self._patch.on:
            try:
                closes(transport, sys._getframe(1))
            except Exception as error:
                self._patch.fail(error)
        return self._original.__get__(transport, owner)


@gc_neutral
def opened(transport: Any, loop: Any, protocol: Any, frame: Any) -> None:
    """A transport is being made; its `__init__` has not run."""
    process = getattr(protocol, "proc", None)
    parent = record_of(process) if hasattr(process, "__dict__") else None
    found = parent.opener if parent is not None else opener(frame, protocol)
    if found is None:
        return
    stack = parent.opened if parent is not None else _own(found, capture(frame))
    record = recorded(transport, TRACKER.loop(loop), found, stack)
    record.transport = record.ref
    if TRACKER.several:
        from diagnostics.sanitizer.capture.transport_use import watch

        watch(transport)


def _own(found: Opener, stack: Stack) -> Stack:
    """Returns the frames that opened it: not those that run the loop of a library's task."""
    return stack if found.by_person else task_frames(stack)


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
