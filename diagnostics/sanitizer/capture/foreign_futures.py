"""Futures of another loop: who awaits one.

asyncio throws "got Future attached to a different loop" into the coroutine that awaits it. `sys.monitoring` (Python
3.12) sees that as it arrives, so no traceback gets a frame of the sanitizer, and a cancellation costs a comparison.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from types import FrameType
from typing import Any, Final

from diagnostics.sanitizer.capture.connections import MARK
from diagnostics.sanitizer.capture.facts import ConnectionRecord
from diagnostics.sanitizer.capture.following import inside_callbacks
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.holders import attributes_of, locals_of
from diagnostics.sanitizer.capture.owners import client_keeping, client_of_loop
from diagnostics.sanitizer.capture.running import running_loop
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.capture.tracker import TRACKER

_MESSAGE: Final = "attached to a different loop"
_TOOLS: Final = (3, 4)
"""Ids of `sys.monitoring` that no kind of tool has reserved."""

_MONITORING: Final[Any] = getattr(sys, "monitoring", None)
_UNSEEN: Final = "futures of another loop: other tools use all ids of sys.monitoring. Not reported: who awaits one"

_TOO_OLD: Final = "futures of another loop: who awaits one shows only on Python 3.12 and newer; run the program there"

_tool: int | None = None
_refused = False
_loops = False
_latest = 0


def start() -> None:
    """Begins to observe with the second loop, or now if there may be loops."""
    if "asyncio.events" in sys.modules:
        _observe()


def loop_created() -> None:
    """A loop is created."""
    global _loops  # noqa: PLW0603
    if _loops:  # with one loop there is no other: nothing is observed, and the program finds the ids free
        _observe()
    _loops = True


def _observe(ids: Iterable[int] = _TOOLS) -> None:
    """Begins to observe, if one of these ids is free."""
    global _tool, _refused  # noqa: PLW0603 - a process is instrumented or it is not
    if _MONITORING is None or _tool is not None:
        return
    chosen = next((each for each in ids if _MONITORING.get_tool(each) is None), None)
    _refused = chosen is None
    if chosen is not None:
        _MONITORING.use_tool_id(chosen, "diagnostics")
        _MONITORING.register_callback(chosen, _MONITORING.events.PY_THROW, _thrown)
        _MONITORING.set_events(chosen, _MONITORING.events.PY_THROW)
        _tool = chosen


def has(ids: tuple[Any, ...]) -> bool:
    """Returns whether these arguments are the id that is used here."""
    return ids == (_tool,)


def leave(ids: tuple[Any, ...]) -> None:
    """Observes with another id, if it is used here."""
    global _tool  # noqa: PLW0603
    if has(ids):
        _MONITORING.free_tool_id(_tool)
        _tool = None
        _observe([each for each in _TOOLS if (each,) != ids])


def stop() -> None:
    """Ends that."""
    global _tool, _loops  # noqa: PLW0603
    _loops = False
    if _tool is not None:
        _MONITORING.free_tool_id(_tool)
        _tool = None


def unseen() -> list[str]:
    """Returns why nothing is observed, as a blind spot."""
    if _MONITORING is None:
        return [_TOO_OLD] if TRACKER.on and _is_foreign(getattr(sys, "last_value", None)) else []
    return [_UNSEEN] if TRACKER.on and _refused else []


def _thrown(_: Any, __: int, error: BaseException) -> None:
    global _latest  # noqa: PLW0603 - the same error goes through each coroutine that awaits the one it is thrown into
    if _is_foreign(error) and id(error) != _latest:
        _latest = id(error)
        try:
            awaited(sys._getframe(1))
        except Exception as problem:
            TRACKER.problems.add("futures", problem)


def _is_foreign(error: BaseException | None) -> bool:
    return type(error) is RuntimeError and bool(error.args) and _MESSAGE in str(error.args[0])


@gc_neutral
def awaited(frame: FrameType) -> None:
    """A coroutine awaits a future of another loop."""
    running = running_loop()
    thing, loop = next(((each, loop) for each, loop in bound(frame) if loop is not running), (None, _other(running)))
    if loop is None:
        return
    record, stack = TRACKER.loop(loop), capture(frame)
    connection = _connection(thing)
    is_future = hasattr(thing, "get_loop")
    client = None
    if connection is None:
        # `shield` and `gather` wait with a future of their own, and the program keeps those inside.
        futures = [thing, *inside_callbacks(thing), *getattr(thing, "_children", ())] if is_future else []
        kept = (client_keeping(each, loop, frame, TRACKER.clients) for each in futures if hasattr(each, "get_loop"))
        client = next(filter(None, kept), None) or client_of_loop(loop, frame, TRACKER.clients)
    is_known = connection is not None or (client is not None and client.package != "asyncio")
    named = f"an asyncio {type(thing).__name__}" if is_future else "a future"
    what: dict[str, Any] = {} if is_known else {"what": named}
    TRACKER.foreign_access(
        "cross-loop-use",
        record,
        "await",
        stack,
        once=(record.number, stack, "await"),
        connection=connection,
        client=client,
        call=TRACKER.current_call(),
        **what,
    )


def bound(frame: FrameType | None) -> Iterator[tuple[Any, Any]]:
    """Yields what the frames of this task refer to that belongs to a loop, with that loop; innermost first."""
    while frame is not None and frame.f_code.co_name != "_run_once":
        for each in [*locals_of(frame).values(), *gc.get_referents(frame), *_named(frame)]:
            loop = _loop_of(each)
            if loop is not None:
                yield each, loop
        frame = frame.f_back


def _named(frame: FrameType) -> Iterator[Any]:
    """Yields the global variables that the code of a frame names, and the attributes of its objects that it names."""
    names = frame.f_code.co_names
    variables = [frame.f_globals[name] for name in names if name in frame.f_globals]
    yield from variables
    for each in [*locals_of(frame).values(), *variables]:
        attributes = attributes_of(each)
        if type(attributes) is dict:
            yield from (attributes[name] for name in names if name in attributes)


def _other(running: Any) -> Any:
    """Returns the loop that a future must belong to, where there is only one besides the running loop."""
    others = [loop for record in TRACKER.open_loops() if (loop := record.ref()) not in (None, running)]
    return others[0] if len(others) == 1 else None


def _loop_of(thing: Any) -> Any:
    cls = type(thing)
    if cls.__module__ == "_asyncio" or issubclass(cls, _futures()):
        return thing.get_loop() if hasattr(thing, "get_loop") else None
    return None if issubclass(cls, type) else _attribute(thing, "_loop")


def _attribute(thing: Any, name: str) -> Any:
    attributes = attributes_of(thing)
    return attributes.get(name) if type(attributes) is dict else None


def _futures() -> tuple[type, ...]:
    futures = sys.modules.get("asyncio.futures")
    return (futures.Future,) if futures is not None else ()


def _connection(thing: Any) -> ConnectionRecord | None:
    transport = _attribute(thing, "_transport")
    # TLS has a transport of its own, above that of the socket.
    record = _attribute(_attribute(_attribute(transport, "_ssl_protocol"), "_transport") or transport, MARK)
    return record if isinstance(record, ConnectionRecord) else None
