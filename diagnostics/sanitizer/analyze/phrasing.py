"""What is said of each kind of finding: the message, why it is somebody's fault, and the fix.

One table, a row a kind; a test compares it with `words.FINDING_KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from diagnostics.model.finding import Hint

UNSEEN: Final = "a client not seen being made"
NOT_CLOSED: Final = "it made the client, drops it and does not close it"
LOCK_KEPT: Final = "it keeps one lock or event over several loops"


class About(NamedTuple):
    """The words that a message is made of.

    Attributes:
        client: type and id; `UNSEEN` where the client is not known.
        loop: id of the loop it belongs to, with how it was closed.
        current: id of the loop that was running, or "no loop".
    """

    client: str
    loop: str
    current: str
    operation: str
    trigger: str
    detail: dict[str, object]
    times: int


class Wording(NamedTuple):
    """How one kind is told."""

    message: Callable[[About], str]
    why: str


def _left_open(about: About) -> str:
    # One number, not how many the collector got at: that differs from run to run, and the mistake does not.
    left = about.detail.get("connections", 0)
    what = f"{left} connection{'' if left == 1 else 's'}"
    loops = about.detail.get("loops", 1)
    if isinstance(loops, int) and loops > 1:  # equal ones: made and closed on the same lines
        return f"nobody closed {what} of {about.client} before their loops ended: {about.loop} and {loops - 1} more"
    return f"nobody closed {what} of {about.client} before its loop ended: {about.loop}"


def _used(about: About) -> str:
    what = about.detail.get("what", "a connection")
    if about.client == UNSEEN and "what" in about.detail:
        return f"code on {about.current} waited for {what} that belongs to {about.loop}"
    return f"a call on {about.current} used {what} of {about.client} that belongs to {about.loop}"


def _abandoned(about: About) -> str:
    tidied = "; async_tools closed it there" if about.trigger == "async_tools" else ""
    return f"a streamed response of {about.client} was neither read to its end nor closed, on {about.loop}{tidied}"


def _waits(about: About) -> str:
    if "robbed" not in about.detail:
        return f"a call with {about.client} waits for {about.detail.get('waits', 'something')}"
    return (
        f"a call waits on a connection that its loop no longer watches: {about.client}, which nobody closed, was"
        " collected, and its finaliser has closed a file descriptor that was another connection's by then"
    )


KINDS: Final[dict[str, Wording]] = {
    "client-left-open": Wording(_left_open, "it made the client and nobody closes it before the loop closes"),
    "cross-loop-use": Wording(_used, "it keeps one client over several loops"),
    "cross-loop-close": Wording(
        lambda about: (
            f"a connection of {about.client} that belongs to {about.loop} was closed by code on {about.current}"
            f" ({about.trigger})"
        ),
        "it made the client and did not close it on its own loop",
    ),
    "use-after-loop-close": Wording(
        lambda about: f"{about.operation} on {about.loop}, from {about.current}", "it uses a loop after its end"
    ),
    "loop-closed-by-gc": Wording(lambda about: f"nobody closed {about.loop}", "it made the loop and never closes it"),
    "duplicate-request": Wording(
        lambda about: (
            f"a call with {about.client} was sent again, because the answer was lost with a connection of"
            f" {about.loop}: it costs twice"
        ),
        "it keeps one client over several loops",
    ),
    "abandoned-stream": Wording(
        _abandoned,
        "it stops reading a stream and does not close it",
    ),
    "pending-task-destroyed": Wording(
        lambda about: f"{about.detail.get('coroutine', 'a task')} was still waiting when its loop ended: {about.loop}",
        "it closes the loop and neither awaits nor cancels the task",
    ),
    "stuck-waiter": Wording(
        _waits,
        "it keeps one client over several loops",
    ),
    "inherited-connection": Wording(
        lambda about: f"a connection of {about.client} was opened before the fork and used after it, in the child",
        "it makes the client before the fork and uses it on both sides",
    ),
    "unclosed-at-exit": Wording(
        lambda about: f"the process ended with {about.client} open on {about.loop}",
        "it made the client and never closes it",
    ),
}

_TASK = "await the task, or cancel it and await that, before the loop closes"
_LOOP = "close the loop where it is made: `asyncio.run`, `with asyncio.Runner()`, or `try … finally: loop.close()`"
_AFTER = (
    "end what belongs to a loop before the loop ends: await or cancel its tasks, close its transports and processes"
)
_STREAM = "read the stream in `async with`, or close it in a `finally`, also when the rest is not wanted"
_LOCK = "make it in the coroutine that uses it, or keep one loop for the whole program"
_FORK = "make the client in the child, after the fork"
_CONTEXT = "make the client in the coroutine that uses it: `async with {client}(…) as client:`"
_SINGLE = (
    "make every call in one `asyncio.run`, with the client made inside it by `async with {client}(…) as client:`; where"
    " that cannot be, keep one loop for the whole program (`from diagnostics.async_tools import run_sync`)"
)
_ELSEWHERE = (
    "the client is held by {component}: keep one loop for the whole program (`from diagnostics.async_tools import"
    " run_sync`), or close its client at the end of each loop if it offers that"
)


def hint(kind: str, *, component: str, client: str, inside: bool) -> Hint:
    """The fix for a kind.

    Args:
        kind: of the finding.
        component: whose code holds the client.
        client: its type, as one writes it.
        inside: whether it was made by code that a loop was running.
    """
    if kind == "use-after-loop-close" and not client:
        return Hint(None, _AFTER)
    if kind == "cross-loop-use" and not client:
        return Hint(None, _LOCK)
    if kind == "loop-closed-by-gc":
        return Hint(None, _LOOP)
    if kind == "pending-task-destroyed":
        return Hint(None, _TASK)
    if kind == "abandoned-stream":
        return Hint(None, _STREAM)
    if kind == "inherited-connection":
        return Hint(None, _FORK)
    if component != "user":
        return Hint("background-loop", _ELSEWHERE.format(component=component))
    short = client.rsplit(".", 1)[-1] if client else "Client"
    if inside:
        return Hint("context-manager", _CONTEXT.format(client=short))
    return Hint("single-run", _SINGLE.format(client=short))
