"""`context-manager`: the coroutine function that a run starts enters the client that it gets as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import libcst as cst

from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import ParsedFile, ParsedProgram, Rewrite, last_name
from diagnostics.rewrite.edits.references import parameters_of
from diagnostics.rewrite.edits.scope import wrapped

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
        if outermost is None:
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


def _argument(call: cst.Call, function: cst.FunctionDef, name: str) -> str:
    """Returns the variable that a call gives to a parameter."""
    named = {each.keyword.value: each.value for each in call.args if each.keyword is not None}
    at = _names(function).index(name)
    value = named.get(name) or (call.args[at].value if at < len(call.args) and call.args[at].keyword is None else None)
    return value.value if isinstance(value, cst.Name) else ""


def _names(function: cst.FunctionDef) -> list[str]:
    """Returns the parameters, without the object of a method."""
    return [each.name.value for each in parameters_of(function) if each.name.value not in ("self", "cls")]
