"""`context-manager`: a dependency of FastAPI enters its client and yields it, so that each request closes its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.fixture import yield_entered
from diagnostics.rewrite.edits.program import ParsedProgram, Rewrite, last_name

SUMMARY: Final = "yield the client from the dependency, in async with, which closes it after the request"

_GIVES: Final = ("Depends", "Security")


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for clients that dependencies return."""
    changes = Rewrite(context.program)
    if context.creations and all(_yielded(changes, place) for place in context.creations):
        yield changes


def _yielded(changes: Rewrite, place: Creation) -> bool:
    function = place.module.function(place.call)
    if function is None or place.closer != "async with" or place.statement is None:
        return False
    return _is_dependency(changes.program, function.name.value) and yield_entered(changes, place, function)


def _is_dependency(program: ParsedProgram, name: str) -> bool:
    """Returns whether the framework calls a function, and nothing else does."""
    given = False
    for module in program.modules():
        for node in module.nodes:
            if not isinstance(node, cst.Call):
                continue
            if last_name(node.func) == name:
                return program.no(f"{module.place(node)} calls {name} itself")
            given = given or (last_name(node.func) in _GIVES and m.matches(node, m.Call(args=[m.Arg(m.Name(name))])))
    return given
