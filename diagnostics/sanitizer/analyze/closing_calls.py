"""Reads how a program closes what it has: the calls that nothing waits for, the methods that do it, the runs for it."""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Final, NamedTuple

from diagnostics.model.finding import Site
from diagnostics.sanitizer.analyze.assignments import nodes_of
from diagnostics.sanitizer.analyze.sources import function_around, is_local_at, tree_of

_AROUND: Final = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_MAKE_TASKS: Final = ("create_task", "ensure_future")


class Closing(NamedTuple):
    """A method of the program's class that closes what the class keeps."""

    cls: str
    method: str
    line: int


def run_of(where: Site | None) -> str:
    """Returns the expression that a line runs, as `client.aclose()` in `asyncio.run(client.aclose())`, or ""."""
    tree = tree_of(where)
    nodes = ast.walk(tree) if tree is not None else ()
    calls = [
        each
        for each in nodes
        if isinstance(each, ast.Call) and where is not None and each.lineno <= where.line <= (each.end_lineno or 0)
    ]
    runs = [each.args[0] for each in calls if each.args and isinstance(each.args[0], ast.Call)]
    return ast.unparse(runs[-1]) if runs else ""


def not_awaited(where: Site | None, target: str, methods: Collection[str]) -> tuple[int, str] | None:
    """Finds the call that closes a client and that nothing waits for, or only a task: its line, and the call.

    Args:
        where: the line that makes the client.
        target: what the client is assigned to there.
        methods: that close such a client, and are to be awaited.
    """
    scope = _scope(where, target)
    for node in nodes_of(scope, {target}) if scope is not None else ():
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
            continue
        call = _of_task(node.value)
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in methods
            and ast.unparse(call.func.value) == target
        ):
            return node.lineno, ast.unparse(call)
    return None


def _of_task(call: ast.Call) -> ast.Call:
    """Returns the call that becomes a task which nothing keeps; not that of a group, which waits for its tasks."""
    maker, _, name = ast.unparse(call.func).rpartition(".")
    inner = (
        call.args[0]
        if name in _MAKE_TASKS and call.args and (not maker or "loop" in maker or maker == "asyncio")
        else call
    )
    return inner if isinstance(inner, ast.Call) else call


def closing_method(where: Site | None, target: str, methods: Collection[str]) -> Closing | None:
    """Finds the coroutine method that closes what its class keeps, which the program need only call."""
    scope = _scope(where, target)
    if not isinstance(scope, ast.ClassDef):
        return None
    for each in scope.body:
        waits = [node.value for node in ast.walk(each) if isinstance(node, ast.Await)]
        calls = [call.func for call in waits if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)]
        if isinstance(each, ast.AsyncFunctionDef) and any(
            call.attr in methods and ast.unparse(call.value) == target for call in calls
        ):
            return Closing(scope.name, each.name, each.lineno)
    return None


def returned_by(where: Site | None) -> str:
    """Returns the call of the plain function that returns what a line makes; "" where it may return that again."""
    tree = tree_of(where)
    for node in ast.walk(tree) if tree is not None else ():
        if where is None or not isinstance(node, ast.FunctionDef) or node.decorator_list:
            continue
        arguments = ast.unparse(node.args)
        lines = [(each.lineno, each.end_lineno or 0) for each in ast.walk(node) if isinstance(each, ast.Return)]
        if any(first <= where.line <= last for first, last in lines) and "self" not in arguments:
            return f"{node.name}({'...' if arguments else ''})"
    return ""


def generator_call(where: Site | None) -> str:
    """Returns the call of the async generator function around a line, as the program writes it, without arguments."""
    function, tree = function_around(where), tree_of(where)
    if function is None or tree is None:
        return "tokens(...)"
    loops = (each.iter for each in ast.walk(tree) if isinstance(each, (ast.AsyncFor, ast.comprehension)))
    calls = [each.func for each in loops if isinstance(each, ast.Call)]
    called = next((ast.unparse(each) for each in calls if ast.unparse(each).rpartition(".")[2] == function.name), "")
    return f"{called or function.name}(...)"


def _scope(where: Site | None, target: str) -> ast.AST | None:
    """Returns the code in which a target is the same variable: a function, a class, or the module."""
    tree = tree_of(where)
    if tree is None or where is None:
        return None
    around = [node for node in ast.walk(tree) if isinstance(node, _AROUND)]
    around = [node for node in around if node.lineno <= where.line <= (node.end_lineno or 0)]
    around.sort(key=lambda node: -node.lineno)
    if target.startswith(("self.", "cls.")):
        return next((node for node in around if isinstance(node, ast.ClassDef)), None)
    return next((node for node in around if not isinstance(node, ast.ClassDef)), tree) if is_local_at(where) else tree
