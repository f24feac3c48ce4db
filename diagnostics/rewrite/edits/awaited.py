"""`await-close`: a call that closes is awaited; without `await` it makes a coroutine that nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite, last_name
from diagnostics.rewrite.records import CLOSERS

SUMMARY: Final = "await the call that closes it"

_CLOSING: Final = m.Call(func=m.Attribute(attr=m.OneOf(*map(m.Name, CLOSERS))), args=[])


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for each call that closes what has the name of a client of the root cause, not awaited."""
    yield from _changes(context, of_client=True)


def propose_others(context: Context) -> Iterator[Rewrite]:
    """Yields the change for every other call that closes something and is not awaited."""
    yield from _changes(context, of_client=False)


def _changes(context: Context, *, of_client: bool) -> Iterator[Rewrite]:
    names = context.names
    for module in context.program.modules():
        for node in module.nodes:
            if not m.matches(node, m.Expr(value=_CLOSING)) or not isinstance(node, cst.Expr):
                continue
            receiver: Any = node.value
            if (last_name(receiver.func.value) in names) is not of_client:
                continue
            function, changes = module.function(node), Rewrite(context.program)
            if function is None:
                continue
            changes.replace(module, node.value, f"await {module.text(node.value)}")
            if function.asynchronous is not None or _wait_for(changes, module, function):
                yield changes


def _wait_for(changes: Rewrite, module: ParsedFile, function: cst.FunctionDef) -> bool:
    """Makes a closing method a coroutine function that its callers await; returns whether all of them can."""
    owner = module.class_around(function)
    if owner is None or function not in owner.body.body or function.name.value not in CLOSERS or function.decorators:
        return False
    changes.change(module, function, lambda each: each.with_changes(asynchronous=cst.Asynchronous()))
    made = m.Call(func=m.Name(owner.name.value) | m.Attribute(attr=m.Name(owner.name.value)))
    called = False
    for other in changes.program.modules():
        for node in other.nodes:
            if not m.matches(node, m.Assign([m.AssignTarget(m.Name())], made)):
                continue
            name: Any = m.findall(node, m.AssignTarget())[0]
            scope = other.function(node)
            method = m.Attribute(value=m.Name(name.target.value), attr=m.Name(function.name.value))
            close = m.Call(func=method, args=[])
            uses = [] if scope is None else m.findall(scope.body, method)
            calls = [] if scope is None else m.findall(scope.body, m.Expr(value=close))
            if scope is None or scope.asynchronous is None or len(calls) != len(uses):
                return changes.no(f"plain code may close the {owner.name.value} of {other.place(node)}")
            for call in calls:
                changes.replace(other, call.value, f"await {other.text(call.value)}")  # type: ignore[attr-defined]
                called = True
    return called
