"""Advice for what is used in another thread than that of its loop, with the names of the program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from diagnostics.model.finding import Advice, Site
from diagnostics.sanitizer.analyze.closing_calls import run_of
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import given_to, sync_function_around, tree_of

_LOOPS: Final = ("get_running_loop", "get_event_loop", "new_event_loop")
_GIVE_TASKS: Final = ("create_task", "ensure_future")
_GIVE_WORK: Final = ("to_thread", "run_in_executor", "submit", "run_sync", "Thread", "Timer", "map")
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def handed_over(about: Situation) -> list[Advice]:
    """A thread uses what belongs to a loop of another one."""
    access = about.findings[0].access
    if access is None:
        return []
    where = access.site
    text = "hand it over to the thread of the loop, which the call wakes then"
    call = _call_at(where, access.operation.rpartition(".")[2])
    if call is None:  # or a coroutine of the client does it, on a loop for the other thread
        runs = [each.created_at for each in (about.findings[0].loop, access.running) if each is not None]
        runs = [each for each in runs if sync_function_around(each) and run_of(each)]
        code = _given(run_of(runs[0]), _loop_at(runs[0])) if len(runs) == 1 else _unread(about, access.operation)
        return [Advice(None, text, code, where)]
    given = _given_to_thread(call)
    if given:
        return [Advice(None, f"do it on the loop itself: the thread is not needed for `{given}`", given, where)]
    return [Advice(None, text, _handed(where, call), where)]


def is_with_thread(about: Situation) -> bool:
    """Returns whether a connection of asyncio is used by another thread's loop while its own loop is open."""
    found = next((each for each in about.findings if each.access is not None), None)
    if found is None or found.access is None or not (about.is_made and found.access.owner_open):
        return False
    opened = found.connection.stack if found.connection is not None else ()
    return _is_thread(found.access.stack) and not _is_thread(opened)


def given_back(about: Situation) -> list[Advice]:
    """Another thread runs a loop of its own for what belongs to one that goes on."""
    access = about.findings[0].access
    run = access.running.created_at if access is not None and access.running is not None else None
    text = f"give the coroutine to the loop that has the {about.noun}, instead of a loop for the thread"
    return [Advice(None, text, _given(run_of(run) or "work()", _loop_at(run)), run)]


def awaited_where_made(about: Situation) -> list[Advice]:
    """A future or task is awaited on another loop than that it was made on."""
    text = (
        "await it on the loop that made it: make it in the coroutine that awaits it, or, for a loop of another thread,"
        " hand the coroutine over"
    )
    call = _call_at(about.where, "create_task") or _call_at(about.where, "ensure_future")
    coroutine = ast.unparse(call.args[0]) if call is not None and call.args else "work()"
    loop = ast.unparse(call.func.value) if call is not None and isinstance(call.func, ast.Attribute) else "loop"
    code = f"result = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe({coroutine}, {loop}))"
    if call is not None and loop != "asyncio" and about.kept_loop is None:
        target = given_to(about.where, ast.unparse(call)) or "task"
        code = f"{target} = asyncio.get_running_loop().create_task({coroutine})"
    return [Advice(None, text, code, about.findings[0].fault.site)]


def _is_thread(stack: tuple[Site, ...]) -> bool:
    return bool(stack) and stack[-1].function == "_bootstrap"


def _given(coroutine: str, loop: str) -> str:
    return f"asyncio.run_coroutine_threadsafe({coroutine}, {loop}).result()"


def _unread(about: Situation, operation: str) -> str:
    """Returns what to write where the source has no such call."""
    thing, _, method = operation.partition(".")
    if thing == "transport" and about.client:
        thing = about.names(about.variable)[0]
    return f"loop.call_soon_threadsafe({thing.lower()}.{method or 'set_result'}, ...)"


def _handed(where: Site | None, call: ast.Call) -> str:
    function, loop, tree = ast.unparse(call.func), _loop_at(where), tree_of(where)
    if function.rpartition(".")[2] in _GIVE_TASKS and call.args:
        owner = function.rpartition(".")[0]
        loop = owner if owner not in ("", "asyncio") else loop
        return f"asyncio.run_coroutine_threadsafe({ast.unparse(call.args[0])}, {loop})"
    nodes = ast.walk(tree) if tree is not None else ()
    if any(isinstance(each, ast.Await) and each.value is call for each in nodes):
        return f"await asyncio.wrap_future(asyncio.run_coroutine_threadsafe({ast.unparse(call)}, {loop}))"
    if function.rpartition(".")[2] in ("call_soon", "call_later", "call_at"):
        loop = function.rpartition(".")[0]
    if function.endswith(".call_soon"):
        return f"{loop}.call_soon_threadsafe({', '.join(map(ast.unparse, call.args))})"
    if call.keywords or function.endswith((".call_later", ".call_at")):
        return f"{loop}.call_soon_threadsafe(lambda: {ast.unparse(call)})"
    return f"{loop}.call_soon_threadsafe({', '.join([function, *map(ast.unparse, call.args)])})"


def _given_to_thread(call: ast.Call) -> str:
    """Returns the call that a call gives to a thread; "" where it gives none, or another function of the program."""
    name = ast.unparse(call.func).rpartition(".")[2]
    given = [each for each in call.args if isinstance(each, ast.Attribute)]
    if name not in _GIVE_WORK or not given:
        return ""
    return f"{ast.unparse(given[0])}({', '.join(map(ast.unparse, call.args[call.args.index(given[0]) + 1 :]))})"


def _call_at(where: Site | None, method: str) -> ast.Call | None:
    """Returns the call of a method on a line; of several calls that are not of it, the outermost at its column."""
    tree = tree_of(where)
    if tree is None or where is None:
        return None
    found = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and each.lineno <= where.line <= (each.end_lineno or 0)
    ]
    named = [each for each in found if isinstance(each.func, ast.Attribute) and each.func.attr == method]
    giving = [each for each in found if _given_to_thread(each).partition("(")[0].rpartition(".")[2] == method]
    return next(iter(named or giving), None)


def _loop_at(where: Site | None) -> str:
    """Returns the variable of the program that has the loop, as a function around a line, or its module, writes it."""
    tree = tree_of(where)
    for scope in _scopes(tree, where) if tree is not None and where is not None else ():
        for node in ast.walk(scope) if isinstance(scope, ast.ClassDef) else _own(scope):
            value = getattr(node, "value", None)
            if not isinstance(node, (ast.Assign, ast.AnnAssign)) or not isinstance(value, ast.Call):
                continue
            target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            of_object = target.startswith("self.") == isinstance(scope, ast.ClassDef)
            if of_object and ast.unparse(value.func).rpartition(".")[2] in _LOOPS:
                return target
    return "loop"


def _scopes(tree: ast.Module, where: Site) -> list[ast.AST]:
    around = [each for each in ast.walk(tree) if isinstance(each, _SCOPES)]
    around = [each for each in around if each.lineno <= where.line <= (each.end_lineno or 0)]
    return [*sorted(around, key=lambda each: -each.lineno), tree]


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yields what is in a scope, but not in the functions and classes inside it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, _SCOPES):
            yield node
            yield from _own(node)
