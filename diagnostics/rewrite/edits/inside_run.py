"""`context-manager`: a client of the module is created and closed in the coroutine functions that runs start."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite, free_name
from diagnostics.rewrite.edits.references import readers_of, refers_to, rename_import
from diagnostics.rewrite.edits.scope import wrapped

_RUN: Final = m.Call(func=m.Attribute(value=m.Name("asyncio"), attr=m.Name("run")))
SUMMARY: Final = "create the client inside each run and close it there"

LONGEST: Final = 12
"""Lines of a function whose indentation may change."""


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if only functions that runs start read the client."""
    changes = Rewrite(context.program)
    if context.creations and all(_move(changes, place, context) for place in context.creations):
        yield changes


def _move(changes: Rewrite, place: Creation, context: Context) -> bool:
    module, where = place.module, place.module.place(place.call)
    if module.function(place.call) is not None or module.class_around(place.call) is not None:
        return False
    if place.statement is None or not place.name or place.closer != "async with" or place.awaited:
        return changes.no(f"{where} assigns no client with async with to a variable")
    others = [each for each in context.program.modules() if refers_to(each, module, place.name)]
    readers = [(each, function) for each in (module, *others) for function in readers_of(each, place.name)]
    if not readers or not all(_is_started(context, *each) for each in readers):
        return False
    factory = free_name(f"make_{place.name}", module, *others)
    is_offered = bool(others) and all(each is module for each, _ in readers)
    if is_offered:
        others = []  # they only offer the name on, so it stays
    elif not others:
        changes.remove(module, place.statement)
    else:
        made = f"{place.comments_above}def {factory}():\n    return {place.text}{place.comment}\n"
        changes.replace_statement(module, place.statement, made)
    for other in others:
        if not rename_import(changes, other, module, place.name, factory):
            return changes.no(f"{other.path} uses {place.name} as an attribute of its module")
    text = f"{factory}()" if others else f"{place.text}"
    above, end = ("", "") if others or is_offered else (place.comments_above, place.comment)
    head = f"{above}async with {text} as {place.name}:{end}\n    pass\n"
    for each, function in readers:
        if function is not None:
            changes.change(each, function.body, partial(wrapped, head))
    return True


def _is_started(context: Context, module: ParsedFile, function: cst.FunctionDef | None) -> bool:
    """Returns whether a function is called by runs of loops only, and is short."""
    no = context.program.no
    if function is None or module.function(function) is not None or module.class_around(function) is not None:
        return no("code outside the coroutine functions of the module uses the client")
    name = function.name.value
    if len(module.text(function.body).splitlines()) > LONGEST or function.asynchronous is None:
        return no(f"{name} at {module.place(function)} is longer than {LONGEST} lines")
    runs = {place.call for place in context.loops}
    used = False
    for each in context.program.modules():
        for node in each.nodes:
            if not isinstance(node, cst.Name) or node.value != function.name.value or node is function.name:
                continue
            parent = each.parent(node)
            is_attribute = isinstance(parent, cst.Attribute) and parent.attr is node
            if isinstance(parent, cst.ImportAlias) or (is_attribute and each is module):
                continue  # a method of that name is another function
            called, call, argument, run, *_ = (node, *each.around(node), None, None, None)[is_attribute:]
            is_called = isinstance(call, cst.Call) and call.func is called and isinstance(argument, cst.Arg)
            if not is_called or not (run in runs or m.matches(run or each.tree, _RUN)):
                return no(f"{each.place(node)} uses {name}, which uses the client, and is no start of a run")
            used = True
    return used or no(f"no run starts {name}, which uses the client")
