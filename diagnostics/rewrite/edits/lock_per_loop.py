"""`client-per-loop`: a function that keeps locks in a dictionary keeps them for each loop, and is called as before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import Rewrite, free_name

SUMMARY: Final = "keep the locks of each loop apart"

_EMPTY: Final = m.Dict(elements=[]) | m.Call(func=m.Name("dict"), args=[])


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for dictionaries of what needs no close."""
    changes = Rewrite(context.program)
    locks = [each for each in context.creations if each.closer == "pass" and isinstance(each.target, cst.Subscript)]
    if locks and len(locks) == len(context.creations) and all(_keep(changes, each) for each in locks):
        yield changes


def _keep(changes: Rewrite, place: Creation) -> bool:
    module, function = place.module, place.module.function(place.call)
    assert isinstance(place.target, cst.Subscript)
    kept = place.target.value
    text = module.text(kept)
    owner = module.class_around(place.call) if text.startswith("self.") else None
    uses = [
        node
        for node in module.nodes
        if type(node) is type(kept) and module.text(node) == text and (owner is None or owner in module.around(node))
    ]
    made: Any = next((each for each in map(module.parent, uses) if isinstance(each, cst.AssignTarget)), None)
    assignment: Any = (
        module.parent(made)
        if made is not None
        else next((each for each in map(module.parent, uses) if isinstance(each, cst.AnnAssign)), None)
    )
    where = module.place(place.call)
    if function is None or assignment is None or not m.matches(assignment.value, _EMPTY):
        return changes.no(f"the dictionary of {where} is made in another way than by {{}}")
    inside = [each for each in uses if function in module.around(each)]
    if len(inside) != len(uses) - 1 or (owner is None and not isinstance(kept, cst.Name)):
        return changes.no(f"other code than the function of {where} uses its dictionary")
    name = free_name("locks", module)
    for node in inside:
        changes.replace(module, node, name)
    changes.insert_first(module, function, f"{name} = {text}.setdefault(asyncio.get_running_loop(), {{}})")
    changes.replace(module, assignment.value, "weakref.WeakKeyDictionary()")
    if isinstance(assignment, cst.AnnAssign):
        annotation = module.text(assignment.annotation.annotation)
        kind = f"weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, {annotation}]"
        changes.replace(module, assignment.annotation.annotation, kind)
    changes.import_(module, "import asyncio")
    changes.import_(module, "import weakref")
    return True
