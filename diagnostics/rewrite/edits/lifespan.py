"""`lifespan`: a server's client is created when the server starts, and closed when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite, free_name
from diagnostics.rewrite.edits.references import readers_of, refers_to

SUMMARY: Final = "create the client when the server starts, and close it when the server stops"

_APP: Final = m.Name("FastAPI") | m.Name("Starlette") | m.Attribute(attr=m.Name("FastAPI") | m.Name("Starlette"))
_AIOHTTP: Final = m.Attribute(value=m.Name("web"), attr=m.Name("Application"))


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for a client of a module that makes the application, and uses it in its handlers only."""
    changes = Rewrite(context.program)
    if len(context.creations) == 1 and _create(changes, context.creations[0], context):
        yield changes


def _create(changes: Rewrite, place: Creation, context: Context) -> bool:
    module = place.module
    apps = [each for each in module.tree.body if m.matches(each, _assigned(_APP | _AIOHTTP))]
    if len(apps) != 1:
        return False
    line: Any = apps[0]
    call = line.body[0].value
    name, where = place.name, module.place(place.call)
    if module.function(place.call) is not None or not name or place.statement not in module.tree.body:
        return changes.no(f"{where} is no assignment to a variable of the module")
    if place.closer != "async with" or place.awaited:
        return changes.no(f"what {where} creates has no async with")
    if any(arg.keyword is not None and arg.keyword.value in ("lifespan", "on_startup") for arg in call.args):
        return changes.no(f"the application of {module.place(call)} has a lifespan already")
    if any(isinstance(node, cst.Name) and node.value in ("on_event", "on_startup") for node in module.nodes):
        return changes.no(f"{module.path} has handlers of events already")
    if not _only_handlers(changes, module, name, context):
        return False
    _write(changes, place, line, call)
    return True


def _assigned(function: Any) -> Any:
    return m.SimpleStatementLine(body=[m.Assign([m.AssignTarget(m.Name())], m.Call(func=function))])


def _only_handlers(changes: Rewrite, module: ParsedFile, name: str, context: Context) -> bool:
    """Returns whether a server alone calls the functions that use a client."""
    readers = readers_of(module, name)
    if not readers or None in readers:
        return changes.no(f"code outside the coroutine functions of {module.path} uses {name}")
    known = {name, *(each.name.value for each in readers if each is not None)}
    for other in context.program.modules():
        used = next((each for each in known if other is not module and refers_to(other, module, each)), None)
        if used is not None:
            return changes.no(f"{other.path} uses {used}, perhaps where no server runs")
    for node in module.nodes:
        is_run = isinstance(node, cst.Call) and m.matches(node.func, m.Attribute(attr=m.Name("run")))
        if is_run and m.findall(node, m.Call(func=m.OneOf(*map(m.Name, known)))):
            return changes.no(f"{module.place(node)} runs what uses {name} without the server")
    return True


def _write(changes: Rewrite, place: Creation, line: Any, call: cst.Call) -> None:
    module, name = place.module, place.name
    function = free_name("lifespan", module)
    is_aiohttp = m.matches(call.func, _AIOHTTP)
    head = place.comments_above + ("" if is_aiohttp else "@asynccontextmanager\n")
    text = (
        f"{head}async def {function}({'application' if is_aiohttp else 'app'}):\n    global {name}\n"
        f"    async with {place.text} as {name}:{place.comment}\n        yield\n"
    )
    after: tuple[str, ...] = ()
    if is_aiohttp:
        after = (f"{line.body[0].targets[0].target.value}.cleanup_ctx.append({function})",)
    else:
        new: Any = cst.parse_expression(f"f(lifespan={function})")
        changes.change(module, call, lambda each: each.with_changes(args=[*each.args, *new.args]))
        changes.import_(module, "from contextlib import asynccontextmanager")
    assert place.statement is not None
    changes.remove(module, place.statement)
    changes.insert_before(module, line, text, after=after)
