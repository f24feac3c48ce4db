"""`background-loop`: `run_sync` runs all coroutines on one loop, which stays open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import libcst.matchers as m

from diagnostics.rewrite.edits.client_per_loop import keep_per_loop
from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import Rewrite
from diagnostics.rewrite.edits.runner import NEW_LOOP, run_instead

SUMMARY: Final = "run the coroutines on one loop that stays open, with run_sync"

_RUN: Final = m.Call(func=m.Attribute(attr=m.Name("run")), args=[m.Arg(star="", keyword=None)])


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change of every run in plain code; what has to be closed is kept in a `LoopLocal`."""
    runs = [each for each in context.loops if m.matches(each.call, _RUN) or m.matches(each.call.func, NEW_LOOP)]
    if context.kind not in ("cross-loop-use", "cross-loop-close", "duplicate-request", "stuck-waiter"):
        return
    if not runs or len(runs) != len(context.loops):
        context.program.no("a loop of the program is made in another way than by asyncio.run or new_event_loop")
        return
    closed = [each for each in context.creations if each.closer != "pass"]
    changes = Rewrite(context.program)
    if all(keep_per_loop(changes, each) for each in closed) and all(_run_sync(changes, each) for each in runs):
        yield changes


def _run_sync(changes: Rewrite, place: Creation) -> bool:
    if place.module.coroutine(place.call) is not None:
        return changes.no(f"{place.module.place(place.call)} starts a loop inside a coroutine function")
    changes.import_tool(place.module, "run_sync")
    if not m.matches(place.call, _RUN):
        return run_instead(changes, place, "run_sync")
    changes.replace(place.module, place.call.func, "run_sync")
    return True
