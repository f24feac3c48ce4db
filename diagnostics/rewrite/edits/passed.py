"""`context-manager`: a run that gets a client as an argument creates one of its own; a forked child does so, too.

What a run leaves open is closed by who created it for the run alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite, free_name

SUMMARY: Final = "create the client inside each run that gets it"

_RUN: Final = m.Call(
    func=m.Attribute(attr=m.Name("run")), args=[m.Arg(m.Call(), star="", keyword=None), m.ZeroOrMore()]
)


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for the runs that use what another run, or the parent of a fork, has opened."""
    if len(context.creations) != 1:
        return
    place = context.creations[0]
    if place.name and not _runs(place):
        return
    if not place.name or place.closer != "async with":
        context.program.no(
            f"{place.module.place(place.call)} does not assign a client that supports async with to a variable"
        )
        return
    owner = place.module.function(place.call)
    for others in (True, False):  # at first without the runs of the function that creates the client
        changes = Rewrite(context.program)
        runs = [run for run in _runs(place) if not (others and _calls(run, owner))]
        if runs and all(_own(changes, place, run) for run in runs):
            if _is_moved(place, runs):
                changes.remove(place.module, place.statement or place.call)
            yield changes
            return


def _runs(place: Creation) -> list[cst.Call]:
    """Returns the runs of the file whose coroutine gets a variable of the client's name."""
    given = m.Call(args=[m.ZeroOrMore(), m.Arg(value=m.Name(place.name)), m.ZeroOrMore()])
    return [
        node
        for node in place.module.nodes
        if isinstance(node, cst.Call) and m.matches(node, _RUN) and m.matches(node.args[0].value, given)
    ]


def _calls(run: cst.Call, owner: cst.FunctionDef | None) -> bool:
    called: Any = run.args[0].value
    return owner is not None and m.matches(called.func, m.Name(owner.name.value))


def _own(changes: Rewrite, place: Creation, run: cst.Call) -> bool:
    module = place.module
    line = next(
        (each for each in module.around(run) if isinstance(module.parent(each), cst.BaseSuite | cst.Module)), None
    )
    owner = module.function(place.call)
    where = module.place(run)
    if line is None or module.coroutine(run) is not None:
        return changes.no(f"{where} starts a run inside a coroutine function")
    if not _are_global(module, place, owner):
        return changes.no(f"what {module.place(place.call)} creates needs local variables")
    if owner is None and len(_uses(module, place.name)) != len(_runs(place)):
        return changes.no(f"other code of {module.path} than its runs uses {place.name}")
    name = free_name(f"with_own_{place.name}", module)
    called = module.text(run.args[0].value)
    above, end = (place.comments_above, place.comment) if _is_moved(place, _runs(place)) else ("", "")
    head = f"{above}async def {name}():\n    async with {place.text} as {place.name}:{end}\n"
    changes.insert_before(module, line, f"{head}        return await {called}\n")
    changes.replace(module, run.args[0].value, f"{name}()")
    return True


def _is_moved(place: Creation, runs: list[cst.Call]) -> bool:
    """Returns whether runs alone use what a function or module creates."""
    module, owner = place.module, place.module.function(place.call)
    if owner is None:
        return True
    uses = [
        node
        for node in module.nodes
        if isinstance(node, cst.Name) and node.value == place.name and owner in module.around(node)
        if not isinstance(module.parent(node), cst.AssignTarget)
    ]
    return all(any(run in module.around(node) for run in runs) for node in uses)


def _are_global(module: ParsedFile, place: Creation, owner: cst.FunctionDef | None) -> bool:
    """Returns whether the creation needs names of the module only."""
    if owner is None:
        return True
    own = {each.name.value for each in owner.params.params}
    for each in m.findall(owner.body, m.AssignTarget(target=m.Name())):
        own.add(module.text(each.target))  # type: ignore[attr-defined]
    used = {each.value for each in m.findall(place.call, m.Name()) if isinstance(each, cst.Name)}
    return not own & used


def _uses(module: ParsedFile, name: str) -> list[cst.Name]:
    """Returns where a variable of a module is read outside functions that have it as a parameter."""
    found = []
    for node in module.nodes:
        if not isinstance(node, cst.Name) or node.value != name:
            continue
        around = [each for each in module.around(node) if isinstance(each, cst.FunctionDef)]
        if any(name == each.name.value for function in around for each in function.params.params):
            continue
        if not isinstance(module.parent(node), cst.AssignTarget | cst.Param):
            found.append(node)
    return found
