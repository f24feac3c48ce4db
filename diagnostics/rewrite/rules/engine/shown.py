"""What the rules show of a client that several runs use."""

from __future__ import annotations

from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.repeats import Repetition, SharedUse

_RUNS: Final[dict[Repetition, tuple[str, ...]]] = {
    "loop": ("a new loop in each iteration",),
    "runs": ("first run: its loop closes here", "second run, on another loop"),
    "handler": ("a new loop for each call of `{function}`",),
    "requests": ("a request of a TestClient: on a loop of its own", "another request, on another loop"),
    "tests": ("a test: its loop closes at its end", "another test, on another loop"),
    "library": ("a new loop for each call of `{function}`",),
}


def lines(shared: SharedUse) -> tuple[MarkedLine, ...]:
    """Returns what to show of a shared client: where it is made, run and used."""
    client, use = shared.use.client, shared.use
    kept = f"created here, kept in `{client.held}`" if client.held else "created here"
    found = [MarkedLine(client.scope.file.site(client.call, client.scope), kept)]
    for event, text in zip(shared.events, _RUNS[shared.kind], strict=False):
        site = event.scope.file.site(event.node, event.scope)
        found.append(MarkedLine(site, text.format(function=event.scope.qualified)))
    if not any(use.node is event.node for event in shared.events):
        found.append(MarkedLine(use.scope.file.site(use.node, use.scope), "used here"))
    return tuple(found)


def advice(shared: SharedUse) -> str:
    """Returns what to do about it."""
    noun = shared.use.client.maker.noun
    if shared.use.client.maker.is_primitive:
        return f"create the {noun} inside each run, where its tasks are, or put all calls into one `asyncio.run`"
    if shared.kind == "requests":
        return "use `with TestClient(app)`, which keeps one loop for all requests"
    if shared.kind == "tests":
        return f"create and close the {noun} in a fixture for each test, or give the tests one loop: `loop_scope`"
    if shared.kind in ("handler", "library"):
        return (
            f"create and close the {noun} inside each run, or keep one loop and one {noun}: `run_sync` with `LoopLocal`"
        )
    return f"create and close the {noun} inside each run, or put all calls into one `asyncio.run`"
