"""`runner`: a loop that is made by hand becomes `asyncio.run`, which ends tasks and generators and closes the loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.client_per_loop import keep_per_loop
from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite

SUMMARY: Final = "run each coroutine with asyncio.run, which closes its loop"

_NAME: Final = m.Name("new_event_loop") | m.Name("get_event_loop")
NEW_LOOP: Final = m.Attribute(attr=_NAME) | _NAME


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if the program does nothing with the loop but run coroutines."""
    for is_kept in (False, True) if context.creations else (False,):
        changes = Rewrite(context.program)
        kept = all(keep_per_loop(changes, each) for each in context.creations) if is_kept else True
        if kept and _run_all(changes, context):
            yield changes


def _run_all(changes: Rewrite, context: Context) -> bool:
    made = [place for place in context.loops if m.matches(place.call.func, NEW_LOOP)]
    return bool(made) and all(run_instead(changes, place, _library(place) + "run") for place in made)


def _library(place: Creation) -> str:
    func = place.call.func
    return f"{place.module.text(func.value)}." if isinstance(func, cst.Attribute) else "asyncio."


def run_instead(changes: Rewrite, place: Creation, function: str) -> bool:
    """Replaces `loop.run_until_complete` by a function, and removes the loop; returns whether that is possible."""
    module, target = place.module, place.target
    if place.statement is None or target is None:
        return changes.no(f"the loop of {module.place(place.call)} is in no variable")
    owner = module.class_around(place.call) if place.attribute else module.function(place.call)
    changes.remove(module, place.statement)
    for node in module.nodes:
        if type(node) is not type(target) or module.text(node) != module.text(target) or node is target:
            continue
        if owner is not None and owner not in module.around(node):
            continue
        if not _use(changes, module, node, function):
            return changes.no(f"{module.place(node)} does more with the loop than run_until_complete")
    return True


def _use(changes: Rewrite, module: ParsedFile, node: cst.CSTNode, function: str) -> bool:
    method = module.parent(node)
    call = module.parent(method) if method is not None else None
    if isinstance(method, cst.Arg):  # asyncio.set_event_loop(loop)
        return _remove(changes, module, call)
    if not isinstance(method, cst.Attribute) or not isinstance(call, cst.Call):
        return False
    if method.attr.value == "run_until_complete":
        changes.replace(module, method, function)
        return True
    return method.attr.value == "close" and _remove(changes, module, call)


def _remove(changes: Rewrite, module: ParsedFile, call: cst.CSTNode | None) -> bool:
    around = list(module.around(call))[:2] if call is not None else []
    statement = around[-1] if around else None
    if not isinstance(call, cst.Call) or not isinstance(statement, cst.SimpleStatementLine):
        return False
    names = ("set_event_loop", "close")
    if not m.matches(call.func, m.Attribute(attr=m.OneOf(*map(m.Name, names)))) or len(statement.body) != 1:
        return False
    block = module.parent(statement)
    final = module.parent(block) if block is not None else None
    if isinstance(final, cst.Finally) and isinstance(block, cst.IndentedBlock) and len(block.body) == 1:
        attempt = module.parent(final)
        if isinstance(attempt, cst.Try) and not attempt.handlers:
            changes.change(module, attempt, _without_try)
            return True
    changes.remove(module, statement)
    return True


def _without_try(attempt: cst.Try) -> Any:
    first, *rest = attempt.body.body
    return cst.FlattenSentinel([first.with_changes(leading_lines=attempt.leading_lines), *rest])
