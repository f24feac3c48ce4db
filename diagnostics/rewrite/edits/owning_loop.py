"""`owning-loop`: a thread that runs a loop of its own hands the coroutine to the loop that owns what it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import Rewrite, free_name

SUMMARY: Final = "hand the coroutine to the loop that owns what it uses"


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if the thread's function is inside the coroutine function that starts it."""
    running = [(each.get("access") or {}).get("running") or {} for each in context.findings]
    changes = Rewrite(context.program)
    made = list(context.made_at((each.get("created_at"), "") for each in running))
    if made and all(_hand_over(changes, place) for place in made):
        yield changes


def _hand_over(changes: Rewrite, place: Creation) -> bool:
    module, call = place.module, place.call
    outer = module.coroutine(call)
    nested = next((each for each in module.around(call) if isinstance(each, cst.FunctionDef | cst.Lambda)), None)
    if outer is None:
        return False
    if nested is outer or len(call.args) != 1 or call.args[0].keyword is not None:
        return changes.no(f"the function of {module.place(call)} is not inside the coroutine function that starts it")
    if not isinstance(call.func, cst.Attribute) or call.func.attr.value != "run":
        return False
    library, work = module.text(call.func.value), module.text(call.args[0].value)
    known = m.findall(outer.body, m.Assign([m.AssignTarget(m.Name())], m.Call(_RUNNING)))
    if known and isinstance(known[0], cst.Assign):
        name = module.text(known[0].targets[0].target)
    else:
        name = free_name("loop", module)
        changes.insert_first(module, outer, f"{name} = {library}.get_running_loop()")
    changes.replace(module, call, f"{library}.run_coroutine_threadsafe({work}, {name}).result()")
    return True


_RUNNING: Final = m.Attribute(attr=m.Name("get_running_loop"))
