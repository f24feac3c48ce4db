"""`close-loop`: a loop that a function makes is closed there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import Rewrite
from diagnostics.rewrite.edits.runner import NEW_LOOP
from diagnostics.rewrite.edits.scope import escapes, finally_

SUMMARY: Final = "close the loop in finally, where it is made"


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields `try` and `finally` around what follows the creation of each loop."""
    if context.kind != "loop-closed-by-gc":
        return
    changes = Rewrite(context.program)
    made = [place for place in context.loops if m.matches(place.call.func, NEW_LOOP)]
    if made and all(_close(changes, place) for place in made):
        yield changes


def _close(changes: Rewrite, place: Creation) -> bool:
    module, statement = place.module, place.statement
    block = module.parent(statement) if statement is not None else None
    if not isinstance(block, cst.IndentedBlock | cst.Module) or statement is None or not place.name:
        return changes.no(f"{module.place(place.call)} keeps the loop elsewhere than in a variable of its block")
    at = list(block.body).index(statement)
    rest = block.body[at + 1 :]
    if isinstance(block, cst.IndentedBlock) and (not rest or escapes(rest, place.name)):
        return changes.no(f"the loop of {module.place(place.call)} is used after its block")
    if any(m.findall(each, m.Call(func=m.Attribute(value=m.Name(place.name), attr=m.Name("close")))) for each in rest):
        return changes.no(f"the block of {module.place(place.call)} closes the loop already, in some of its ways")
    calls = (f"{place.name}.run_until_complete({place.name}.shutdown_asyncgens())", f"{place.name}.close()")
    if isinstance(block, cst.Module):
        end = [cst.parse_statement(call) for call in calls]
        changes.change(module, block, lambda changed: changed.with_changes(body=[*changed.body, *end]))
        return True

    def close(changed: cst.IndentedBlock) -> cst.IndentedBlock:
        body = [*changed.body[: at + 1], finally_(calls, changed.body[at + 1 :])]
        return changed.with_changes(body=body)

    changes.change(module, block, close)
    return True
