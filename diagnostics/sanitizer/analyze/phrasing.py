"""The text of each kind of finding: the message, and the reason of the fault.

One table with a row per kind; a test compares it with `words.FINDING_KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

UNKNOWN_CLIENT: Final = "an unknown client"
NOT_CLOSED: Final = "it creates the client and drops it without closing it"
LOCK_KEPT: Final = "it uses one lock, event or queue on several loops"
AWAITED: Final = "it awaits on one loop what another one made"
THREAD: Final = "it uses what belongs to a loop from another thread"
BLOCKED: Final = "it waits for a loop that nothing runs"
UNENDED: Final = "its task goes on after it was cancelled"
SHARED: Final = "it uses one client on several loops"
UNCLOSABLE: Final = "it creates the client and offers nothing that closes it"
KEPT: Final = "it keeps one client, which belongs to one loop, for calls on every loop"
OTHER_LOOP: Final = "it runs a coroutine of the program on a loop of its own"


_NOUNS: Final = ("channel", "connection", "engine", "pool", "server", "session", "site")


def noun(type_name: str) -> str:
    """Returns what a reader would call an object of a class: `AsyncConnectionPool` is a pool, most are clients."""
    return next((each for each in _NOUNS if type_name.lower().endswith(each)), "client")


def blame(who: str, why: str) -> str:
    """Returns the sentence that says who is at fault and why: "it uses …" of your code is "your code uses …"."""
    return f"{who} {why.removeprefix('it ')}" if why.startswith("it ") else f"{who}: {why}"


class About(NamedTuple):
    """The values that a message is made of.

    Attributes:
        client: type and id, or `UNKNOWN_CLIENT`.
        loop: id of the loop it belongs to, and what closed that.
        current: id of the running loop, or "no loop".
    """

    client: str
    loop: str
    current: str
    operation: str
    trigger: str
    detail: dict[str, object]
    times: int


class Wording(NamedTuple):
    """The text of one kind."""

    message: Callable[[About], str]
    why: str


def _left_open(about: About) -> str:
    # One number: how many of them the collector closed differs from run to run, the mistake does not.
    left = about.detail.get("connections", 0)
    what = f"{left} connection{'' if left == 1 else 's'}"
    loops = about.detail.get("loops", 1)
    if isinstance(loops, int) and loops > 1:  # equal loops: created and closed on the same lines
        others = "1 other" if loops == 2 else f"{loops - 1} others"
        return f"{what} of {about.client} left open when their loops closed: {about.loop} and {others}"
    return f"{what} of {about.client} left open when its loop closed: {about.loop}"


def _used(about: About) -> str:
    what = about.detail.get("what", "a connection")
    if "thread" in about.detail:
        what = what if about.client == UNKNOWN_CLIENT or "what" in about.detail else f"{what} of {about.client}"
        return f"another thread used {what} without call_soon_threadsafe: {about.loop}"
    if about.client == UNKNOWN_CLIENT and "what" in about.detail:
        verb = "belong" if " and " in str(what) else "belongs"
        return f"code on {about.current} waited for {what} that {verb} to {about.loop}"
    return f"a call on {about.current} used {what} of {about.client} that belongs to {about.loop}"


def _abandoned(about: About) -> str:
    tidied = "; async_tools closed it there" if about.trigger == "async_tools" else ""
    return f"a streamed response of {about.client} was neither read to its end nor closed, on {about.loop}{tidied}"


def _waits(about: About) -> str:
    if "task" in about.detail:
        where = f" and waits in {about.detail['waits']}" if about.detail["waits"] else ""
        return f"{about.detail['task']} goes on after it was cancelled{where}, so its loop cannot end"
    if "robbed" not in about.detail:
        call = "a call" if about.client == UNKNOWN_CLIENT else f"a call with {about.client}"
        return f"{call} waits for {about.detail.get('waits', 'something')}"
    return (
        f"a call waits on a connection that its loop no longer watches: {about.client} was garbage-collected without"
        " being closed, and its finalizer closed a file descriptor that another connection had by then"
    )


KINDS: Final[dict[str, Wording]] = {
    "client-left-open": Wording(_left_open, "it creates the client and does not close it before the loop closes"),
    "cross-loop-use": Wording(_used, SHARED),
    "cross-loop-close": Wording(
        lambda about: (
            f"a connection of {about.client} that belongs to {about.loop} was closed by code on {about.current}"
            f" ({about.trigger})"
        ),
        "it creates the client and does not close it on its own loop",
    ),
    "use-after-loop-close": Wording(
        lambda about: f"{about.operation} on {about.loop}, from {about.current}", "it uses a loop after it closed"
    ),
    "loop-closed-by-gc": Wording(
        lambda about: f"{about.loop} was never closed by the program", "it creates the loop and never closes it"
    ),
    "duplicate-request": Wording(
        lambda about: (
            f"a request of {about.client} was sent twice, because the response was lost with a connection of"
            f" {about.loop}: it is billed twice"
        ),
        SHARED,
    ),
    "abandoned-stream": Wording(
        _abandoned,
        "it stops reading a stream and does not close it",
    ),
    "pending-task-destroyed": Wording(
        lambda about: f"{about.detail.get('coroutine', 'a task')} was still pending when its loop closed: {about.loop}",
        "it closes the loop and neither awaits nor cancels the task",
    ),
    "stuck-waiter": Wording(
        _waits,
        SHARED,
    ),
    "inherited-connection": Wording(
        lambda about: f"a connection of {about.client} was opened before the fork and used after it, in the child",
        "it creates the client before the fork and uses it in parent and child",
    ),
    "unclosed-at-exit": Wording(
        lambda about: f"the process exited with {about.client} open on {about.loop}",
        "it creates the client and never closes it",
    ),
}
