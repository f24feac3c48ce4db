"""`context-manager`: a client of the module is created and closed in the coroutine functions that runs start."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import libcst as cst

from diagnostics.rewrite.edits.client_per_loop import readers_of
from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite
from diagnostics.rewrite.edits.scope import wrapped

SUMMARY: Final = "create the client inside each run and close it there"

LONGEST: Final = 12
"""Lines of a function whose indentation may change."""


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if only functions that runs start read the client."""
    changes = Rewrite(context.program)
    if context.creations and all(_move(changes, place, context) for place in context.creations):
        yield changes


def _move(changes: Rewrite, place: Creation, context: Context) -> bool:
    module = place.module
    where = module.place(place.call)
    if place.statement is None or not place.name or place.closer != "async with" or place.awaited:
        return changes.no(f"{where} assigns no client with async with to a variable")
    if module.function(place.call) is not None or module.class_around(place.call) is not None:
        return changes.no(f"{where} creates the client in a function or class, not once for the module")
    readers = [each for each in context.program.modules() if each is not module and readers_of(each, place.name)]
    if readers:
        return changes.no(f"{readers[0].path} uses {place.name} too")
    functions = readers_of(module, place.name)
    if not functions or not all(_is_started(context, module, each) for each in functions):
        return False
    changes.remove(module, place.statement)
    head = f"{place.comments_above}async with {place.text} as {place.name}:{place.comment}\n    pass\n"
    for function in functions:
        if function is not None:
            changes.change(module, function.body, partial(wrapped, head))
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
            if not is_called or run not in runs:
                return no(f"{each.place(node)} uses {name}, which uses the client, and is no start of a run")
            used = True
    return used or no(f"no run starts {name}, which uses the client")
