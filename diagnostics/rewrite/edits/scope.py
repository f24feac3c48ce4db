"""`context-manager` and `explicit-close`: a client that a coroutine function makes is closed where that ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.client_per_loop import is_cached
from diagnostics.rewrite.edits.closing import closing_call, on
from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import Rewrite
from diagnostics.rewrite.edits.references import readers_of, refers_to
from diagnostics.rewrite.records import CLOSERS

ENTERED: Final = "create the client in async with, which closes it"
CLOSED: Final = "close the client in finally"
COMPLETED: Final = "close the client where its object is closed"


def enter(context: Context) -> Iterator[Rewrite]:
    """Yields `async with` around what follows the creation of each client."""
    changes = Rewrite(context.program)
    found = _scopes(context)
    scopes = [(place, closer) for place, closer in found if closer == "async with"]
    if found and not scopes:
        context.program.no("what is left open has no async with")
    if scopes and all(_wrap(changes, place, partial(_entered, place)) for place, _ in scopes):
        yield changes


def close(context: Context) -> Iterator[Rewrite]:
    """Yields `try` and `finally` around what follows the creation of each client."""
    changes = Rewrite(context.program)
    scopes = [(place, closer) for place, closer in _scopes(context) if closer != "async with"]
    closers = [closer or _add_closer(changes, context) for _, closer in scopes]
    ends = [_wrap(changes, scope[0], partial(_finally, closer)) for scope, closer in zip(scopes, closers, strict=True)]
    if scopes and all(closers) and all(ends):
        yield changes


def complete(context: Context) -> Iterator[Rewrite]:
    """Yields a closing method that closes the client too, which the class holds and its method forgets."""
    changes = Rewrite(context.program)
    held = [place for place in context.creations if place.attribute]
    if held and len(held) == len(context.creations) and all(_complete(changes, place, context) for place in held):
        yield changes


def _complete(changes: Rewrite, place: Creation, context: Context) -> bool:
    owner = place.module.class_around(place.call)
    methods = [each for each in owner.body.body if isinstance(each, cst.FunctionDef)] if owner is not None else []
    for method in methods:
        is_closer = method.name.value in (*CLOSERS, "__aexit__") and method.asynchronous is not None
        if is_closer and not m.findall(method.body, m.Attribute(attr=m.Name(place.attribute))):
            line = cst.parse_statement(on(f"self.{place.attribute}", closing_call(place, context)))
            changes.change(place.module, method.body, partial(_appended, line))
            return True
    return False


def _appended(line: Any, block: Any) -> Any:
    kept = [each for each in block.body if not m.matches(each, m.SimpleStatementLine(body=[m.Pass()]))]
    at = len(kept) - m.matches(kept[-1], m.SimpleStatementLine(body=[m.Return()])) if kept else 0
    return block.with_changes(body=[*kept[:at], line, *kept[at:]])


def _scopes(context: Context) -> list[tuple[Creation, str]]:
    """Returns the assignments in coroutine functions that clients end up in, the last first, and how each is closed.

    An empty string is an object of a class that has no method to close what it holds.
    """
    found: dict[cst.Call, tuple[Creation, str]] = {}
    for chain in context.chains:
        made = chain[0]
        if made.is_entered or (made.target is None and is_cached(made.module.function(made.call))):
            continue
        if is_shared(context, made):
            context.program.no(f"a LoopLocal closes what {made.module.place(made.call)} gets")
            continue
        scope = next((each for each in chain if _is_local(context, each)), None)
        if scope is None or (scope is not made and _is_kept(made)):
            context.program.no(
                f"no coroutine function keeps what {made.module.place(made.call)} creates in a local variable"
            )
            continue
        owner = made.module.class_around(made.call) if made.attribute else None
        closer = made.closer if scope is made or owner is None else _closing_method(owner)
        if closer == "pass":
            continue
        found.setdefault(scope.call, (scope, closer))
    return sorted(found.values(), key=lambda each: (each[0].module.path, -each[0].module.line(each[0].call)))


def is_shared(context: Context, made: Creation) -> bool:
    """Returns whether it is `await clients.get()` of a `LoopLocal`, which others get, too."""
    getter = m.Call(func=m.Attribute(attr=m.Name("get")), args=[])
    return m.matches(made.call, getter) and any("LoopLocal" in each.names for each in context.program.modules())


def _is_local(context: Context, place: Creation) -> bool:
    """Returns whether a coroutine function assigns it, and no other function reads the variable."""
    function = place.module.function(place.call)
    if function is None or function.asynchronous is None or place.statement is None or not place.name:
        return False
    name = m.NameItem(m.Name(place.name))
    if m.findall(function.body, m.Nonlocal(names=[m.ZeroOrMore(), name, m.ZeroOrMore()])):
        return False
    is_global = bool(m.findall(function.body, m.Global(names=[m.ZeroOrMore(), name, m.ZeroOrMore()])))
    home = place.module
    others = [each for each in context.program.modules() if each is home or refers_to(each, home, place.name)]
    readers = [each for module in others for each in readers_of(module, place.name)]
    return not is_global or readers.count(function) == len(readers)


def _is_kept(made: Creation) -> bool:
    """Returns whether what is created outlives the functions that get it, as in a global variable."""
    function = made.module.function(made.call)
    if made.target is None or made.attribute:
        return False
    names: Any = [m.ZeroOrMore(), m.NameItem(m.Name(made.name)), m.ZeroOrMore()]
    return function is None or not made.name or bool(m.findall(function.body, m.Global(names=names)))


def _closing_method(owner: cst.ClassDef) -> str:
    methods = {
        each.name.value: each.asynchronous is not None for each in owner.body.body if isinstance(each, cst.FunctionDef)
    }
    name = next((each for each in CLOSERS if each in methods), "")
    return f"{'await ' if methods[name] else ''}{name}()" if name else ""


def _add_closer(changes: Rewrite, context: Context) -> str:
    """Gives the class that holds the client a method that closes it."""
    place = context.creations[0]
    owner = place.module.class_around(place.call)
    if owner is None or not place.closer:
        return ""
    line = on(f"self.{place.attribute}", closing_call(place, context))
    added = cst.parse_statement(f"async def aclose(self):\n    {line}\n")
    added = added.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    changes.change(place.module, owner.body, lambda block: block.with_changes(body=[*block.body, added]))
    return "await aclose()"


def _wrap(changes: Rewrite, place: Creation, build: Any) -> bool:
    """Replaces the statements from a creation to the end of its block."""
    module, statement, name = place.module, place.statement, place.name
    block = module.parent(statement) if statement is not None else None
    if not isinstance(block, cst.IndentedBlock) or statement is None:
        return changes.no(f"{module.place(place.call)} is no assignment in a block")
    at = list(block.body).index(statement)
    if at + 1 == len(block.body) or escapes(block.body[at + 1 :], name):
        return changes.no(f"what {module.place(statement)} creates outlives its block")

    def wrap(changed: Any) -> Any:
        before, rest = changed.body[:at], [each for each in changed.body[at + 1 :] if not closes(each, name)]
        made = changed.body[at]
        return changed.with_changes(body=[*before, *build(name, made, rest or [cst.parse_statement("pass")])])

    changes.change(module, block, wrap)
    return True


def closes(statement: cst.CSTNode, name: str) -> bool:
    """Returns whether a statement closes a variable, which the change does from now on."""
    call = m.Call(func=m.Attribute(value=m.Name(name), attr=m.OneOf(*map(m.Name, CLOSERS))), args=[])
    return m.matches(statement, m.SimpleStatementLine(body=[m.Expr(m.Await(call) | call)]))


def escapes(rest: Any, name: str) -> bool:
    """Returns whether a variable outlives the block."""
    kept = m.Return(value=m.Name(name)) | m.Assign(value=m.Name(name))
    return any(m.findall(statement, kept) for statement in rest)


def wrapped(head: str, block: Any) -> Any:
    """Returns a function's body inside a compound statement, below its docstring."""
    first = 1 if _is_docstring(block.body[0]) else 0
    statement: Any = cst.parse_statement(head)
    inner = statement.with_changes(body=cst.IndentedBlock(block.body[first:], header=statement.body.header))
    return block.with_changes(body=[*block.body[:first], inner])


def _is_docstring(statement: cst.CSTNode) -> bool:
    return m.matches(statement, m.SimpleStatementLine(body=[m.Expr(m.SimpleString() | m.ConcatenatedString())]))


def _entered(place: Creation, name: str, made: Any, rest: list[Any]) -> list[Any]:
    text = place.module.text(place.value)
    head: Any = cst.parse_statement(f"async with {text} as {name}:\n    pass\n")
    body = cst.IndentedBlock(rest, header=made.trailing_whitespace)
    return [head.with_changes(body=body, leading_lines=made.leading_lines)]


def _finally(closer: str, name: str, made: Any, rest: list[Any]) -> list[Any]:
    return [made, finally_([on(name, each) for each in closer.split("; ")], rest)]


def finally_(calls: Iterable[str], rest: Any) -> Any:
    """Returns `try` around statements, and calls in its `finally`."""
    lines = "".join(f"    {each}\n" for each in calls)
    head: Any = cst.parse_statement(f"try:\n    pass\nfinally:\n{lines}")
    return head.with_changes(body=cst.IndentedBlock(rest))
