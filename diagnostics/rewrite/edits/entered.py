"""`context-manager`: the coroutine function that a run starts enters the client that it gets as an argument.

Only where the code around the run has no other use for the client: what a caller goes on using, the caller closes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import libcst as cst

from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import ParsedFile, ParsedProgram, Rewrite, last_name
from diagnostics.rewrite.edits.references import is_shadowed, parameters_of
from diagnostics.rewrite.edits.scope import wrapped
from diagnostics.rewrite.edits.symbols import Use, uses

SUMMARY: Final = "enter the client in the coroutine that a run starts with it, which closes it"

_DEPTH: Final = 8

Receiver = tuple[ParsedFile, cst.FunctionDef, str]
"""A coroutine function and the parameter that is the client."""


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for the outermost coroutine functions that get a client that is left open."""
    if context.kind != "client-left-open" or {each.closer for each in context.creations} != {"async with"}:
        return
    found: dict[cst.FunctionDef, Receiver] = {}
    for receiver in _users(context):
        outermost = _outermost(context.program, receiver)
        if outermost is None or not _is_alone(context.program, *outermost):
            return
        found[outermost[1]] = outermost
    changes = Rewrite(context.program)
    for module, function, name in found.values():
        changes.change(module, function.body, partial(wrapped, f"async with {name}:\n    pass\n"))
    if found:
        yield changes


def _users(context: Context) -> Iterator[Receiver]:
    """Yields the coroutine functions that use a parameter where a connection was opened."""
    for finding in context.findings:
        site = (finding.get("connection") or {}).get("opened_at")
        for place in context.made_at([(site, "")]):
            function, node = place.module.function(place.call), place.call.func
            while isinstance(node, cst.Attribute | cst.Call):
                node = node.value if isinstance(node, cst.Attribute) else node.func
            if function is not None and function.asynchronous is not None and last_name(node) in _names(function):
                yield place.module, function, last_name(node)


def _outermost(program: ParsedProgram, receiver: Receiver) -> Receiver | None:
    """Returns who gets the client first, by the calls that hand it on; `None` if that is not clear."""
    for _ in range(_DEPTH):
        module, function, name = receiver
        kind = cst.Name if module.class_around(function) is None else cst.Attribute
        calls = [
            (each, caller, node)
            for each in program.modules()
            for node in each.nodes
            if isinstance(node, cst.Call)
            and last_name(node.func) == function.name.value
            and isinstance(node.func, kind)
            if (caller := each.function(node)) is not None and caller.asynchronous is not None
        ]
        if not calls:
            return receiver
        (where, caller, node), *others = calls
        given = _argument(node, function, name)
        if others or given not in _names(caller):
            program.no(f"{where.place(node)} calls {function.name.value}, which gets the client, and keeps no client")
            return None
        receiver = where, caller, given
    return None


def _is_alone(program: ParsedProgram, module: ParsedFile, function: cst.FunctionDef, name: str) -> bool:
    """Returns whether runs alone call a function, and nothing else uses what they give it."""
    called = function.name.value
    if module.class_around(function) is None:
        found = uses(program, module, called)
        if function.decorators or any(
            each.path.endswith("__init__.py") and called in each.names for each in program.modules()
        ):
            return program.no(f"{called} at {module.place(function)} may be called with a client that its caller keeps")
    else:
        found = [
            Use(each, node.func)
            for each in program.modules()
            for node in each.nodes
            if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and node.func.attr.value == called
        ]
    return (bool(found) or program.no(f"nothing calls {called}, whose caller may keep the client")) and all(
        _is_given_up(use, function, name) or program.no(f"{use.place} goes on using the client, or somebody else does")
        for use in found
    )


def _is_given_up(use: Use, function: cst.FunctionDef, name: str) -> bool:
    """Returns whether what a call of a function gives to a parameter is used by nothing else."""
    module, run = use.module, use.start
    value = _value(use.call, function, name) if use.call is not None else None
    if run is None or value is None:
        return False
    if not isinstance(value, cst.Name):
        return isinstance(value, cst.Call)
    owner = module.function(run)
    others = [
        node
        for node in module.nodes
        if isinstance(node, cst.Name) and node.value == value.value and run not in module.around(node)
        if owner in (None, *module.around(node)) and not isinstance(module.parent(node), cst.Param)
        if owner is not None or not is_shadowed(module, node, node.value)
    ]
    made = [node for node in others if isinstance(module.parent(node), cst.AssignTarget | cst.AnnAssign)]
    return len(others) == len(made) == 1 and _block(module, made[0]) is _block(module, run)


def _block(module: ParsedFile, node: cst.CSTNode) -> cst.CSTNode | None:
    return next((each for each in module.around(node) if isinstance(each, cst.IndentedBlock | cst.Module)), None)


def _argument(call: cst.Call, function: cst.FunctionDef, name: str) -> str:
    """Returns the variable that a call gives to a parameter."""
    value = _value(call, function, name)
    return value.value if isinstance(value, cst.Name) else ""


def _value(call: cst.Call, function: cst.FunctionDef, name: str) -> cst.BaseExpression | None:
    named = {each.keyword.value: each.value for each in call.args if each.keyword is not None}
    at = _names(function).index(name)
    return named.get(name) or (call.args[at].value if at < len(call.args) and call.args[at].keyword is None else None)


def _names(function: cst.FunctionDef) -> list[str]:
    """Returns the parameters, without the object of a method."""
    return [each.name.value for each in parameters_of(function) if each.name.value not in ("self", "cls")]
