"""Reads the source of the program: the expression that creates a client, and what is around it."""

from __future__ import annotations

import ast
import functools
import itertools
import linecache
import re
from collections.abc import Iterator
from typing import Final

from diagnostics.model.finding import Site

_IMPORTED: Final = re.compile(r"(?<![\w.])(asyncio|contextlib|inspect|pytest|pytest_asyncio)\.")

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_CLOSE: Final = ("close", "disconnect", "dispose", "shutdown", "stop", "terminate")
_RUNS: Final = ("run", "run_until_complete")


def block(*lines: str) -> str:
    """Returns code of these lines."""
    return "\n".join(lines)


def with_imports(code: str, where: Site | None) -> str:
    """Returns code with the imports that it needs and the file of a line does not have."""
    tree = parsed(where.file) if where is not None else None
    imports = [node for node in ast.walk(tree[0]) if isinstance(node, ast.Import)] if tree is not None else []
    known = {alias.name for node in imports for alias in node.names if alias.asname is None}
    missing = sorted({*_IMPORTED.findall(code)} - known)
    return "\n".join([*(f"import {name}" for name in missing), *([""] if missing else []), code])


def creation_of(where: Site | None, client: str, *functions: str, assigned: bool) -> str:
    """Returns the expression that creates a client, from the source; `Client(...)` where that cannot be read.

    Args:
        where: the line.
        client: its class.
        functions: that return such a client.
        assigned: whether the call on that line returns the client.
    """
    tree = parsed(where.file) if where is not None else None
    if where is None or tree is None:
        return f"{client}(...)"
    calls = [
        node
        for node in ast.walk(tree[0])
        if isinstance(node, ast.Call) and node.lineno <= where.line <= (node.end_lineno or 0)
    ]
    names = {client, *functions} - {""}
    named = [call for call in calls if names & {*re.findall(r"\w+", ast.unparse(call.func))}]
    named.sort(key=lambda call: (call.lineno, call.col_offset) != (where.line, where.column))  # of several on one line
    chosen = named or [call for call in calls if assigned and call.lineno == where.line and _is_at(call, where)]
    call = _entered(chosen[0]) if chosen else None
    run = coroutine_of(call)
    call = call if run is None else run
    text = ast.get_source_segment(tree[1], call) if call is not None else None
    if call is None or text is None:
        return f"{_as_written(tree[0], client)}(...)"
    if "#" in text and "\n" in text:  # a comment would end the one line that it becomes
        text = ast.unparse(call)
    awaited = run is not None or any(isinstance(node, ast.Await) and node.value is call for node in ast.walk(tree[0]))
    return ("await " if awaited else "") + re.sub(r",? \)$", ")", " ".join(text.split()).replace("( ", "("))


def _as_written(tree: ast.Module, name: str) -> str:
    """Returns how a file writes the name of a class, as `httpx.AsyncClient`; the name where it has none."""
    dotted = (each for each in ast.walk(tree) if isinstance(each, ast.Attribute) and each.attr == name)
    return next((ast.unparse(each) for each in dotted if isinstance(each.value, ast.Name)), name)


def _entered(call: ast.Call) -> ast.expr:
    """Returns what a call enters: `x()` of `x().__aenter__()` and of `stack.enter_async_context(x())`."""
    if not isinstance(call.func, ast.Attribute):
        return call
    if call.func.attr == "__aenter__":
        return call.func.value
    return call.args[0] if call.func.attr in ("enter_async_context", "enterAsyncContext") and call.args else call


def coroutine_of(call: ast.expr | None) -> ast.Call | None:
    """Returns `x()` of `asyncio.run(x())`, `loop.run_until_complete(x())` and `runner.run(x())`."""
    runs = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _RUNS
    given = call.args[0] if isinstance(call, ast.Call) and runs and call.args else None
    return given if isinstance(given, ast.Call) else None


def _is_at(call: ast.Call, where: Site) -> bool:
    return where.column is None or call.col_offset >= where.column


def has_class(where: Site | None, name: str) -> bool:
    """Returns whether the file of a line defines a class."""
    tree = parsed(where.file) if where is not None else None
    return tree is not None and any(isinstance(node, ast.ClassDef) and node.name == name for node in ast.walk(tree[0]))


def function_around(where: Site | None) -> ast.AsyncFunctionDef | None:
    """Returns the coroutine function around a line."""
    return next((node for node in _functions(where) if isinstance(node, ast.AsyncFunctionDef)), None)


def _functions(where: Site | None) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Returns the functions around a line, the innermost first."""
    tree = parsed(where.file) if where is not None else None
    if where is None or tree is None:
        return []
    functions = (node for node in ast.walk(tree[0]) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
    around = [node for node in functions if node.lineno <= where.line <= (node.end_lineno or 0)]
    return sorted(around, key=lambda node: -node.lineno)


def fixture_around(where: Site | None) -> tuple[str, str] | None:
    """Returns name and scope of the pytest fixture around a line."""
    for function in _functions(where)[:1]:
        for each in function.decorator_list:
            name = ast.unparse(each.func if isinstance(each, ast.Call) else each)
            if name.rpartition(".")[2] == "fixture":
                given = {word.arg: word.value for word in each.keywords} if isinstance(each, ast.Call) else {}
                scope = given.get("scope")
                return function.name, str(scope.value) if isinstance(scope, ast.Constant) else "function"
    return None


def assigned_at(where: Site | None, otherwise: str) -> str:
    """Returns what the expression on a line is assigned to, as it is written there."""
    tree = parsed(where.file) if where is not None else None
    for node in ast.walk(tree[0]) if tree is not None else ():
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if where is None or not (isinstance(value, ast.expr) and isinstance(targets[0], ast.expr)):
            continue
        if value.lineno <= where.line <= (value.end_lineno or 0):
            return ast.unparse(targets[0])
    return otherwise


def receiver_at(where: Site | None, method: str) -> str:
    """Returns the expression whose method is called on a line, as it is written there; empty where there is none."""
    tree = parsed(where.file) if where is not None else None
    for node in ast.walk(tree[0]) if tree is not None else ():
        if where is None or not (isinstance(node, ast.Attribute) and node.attr == method):
            continue
        if node.lineno <= where.line <= (node.end_lineno or 0):
            return ast.unparse(node.value)
    return ""


def given_to(where: Site | None, creation: str) -> str:
    """Returns what gets the value of an expression of a line, as it is written there; "" where nothing does."""
    tree = parsed(where.file) if where is not None else None
    if tree is None or where is None:
        return ""
    wanted = "".join(creation.removeprefix("await ").split())
    for target, value in _givings(tree[0]):
        last = value.end_lineno or 0
        if value.lineno <= where.line <= last and any(wanted == written(tree[1], each) for each in _results(value)):
            return ast.unparse(target)
    return ""


def _givings(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yields each variable and the expression whose value it gets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from pairs(node.targets[0], node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield node.target, node.value
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield node.optional_vars, node.context_expr


def pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yields the variables of an assignment, each with its own value where those are written one by one."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        yield from zip(target.elts, value.elts, strict=True)
    else:
        yield target, value


def _results(value: ast.expr) -> Iterator[ast.expr]:
    """Yields the expressions that an expression may return the value of."""
    if isinstance(value, (ast.Await, ast.NamedExpr)):
        yield from _results(value.value)
    elif isinstance(value, (ast.BoolOp, ast.IfExp)):
        parts = value.values if isinstance(value, ast.BoolOp) else [value.body, value.orelse]
        yield from itertools.chain.from_iterable(map(_results, parts))
    else:
        yield value
        if isinstance(value, ast.Call) and (entered := _entered(value)) is not value:
            yield entered
        if (run := coroutine_of(value)) is not None:
            yield run


def written(text: str, node: ast.expr) -> str:
    """Returns an expression as `creation_of` does, without blanks."""
    found = ast.get_source_segment(text, node) or ""
    found = ast.unparse(node) if "#" in found and "\n" in found else found
    return re.sub(r",\)$", ")", "".join(found.split()))


def sync_function_around(where: Site | None) -> str:
    """Returns the name of the innermost function around a line if that is no coroutine function, or ""."""
    return next((each.name for each in _functions(where)[:1] if isinstance(each, ast.FunctionDef)), "")


def mentions(where: Site | None, name: str) -> bool:
    """Returns whether the code in the file of a line uses a name."""
    tree = parsed(where.file) if where is not None else None
    return tree is not None and any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(tree[0]))


def is_local_at(where: Site | None) -> bool:
    """Returns whether a local variable of a function gets what the expression on a line returns."""
    names = {name for each in _functions(where) for node in ast.walk(each) for name in getattr(node, "names", ())}
    target = assigned_at(where, "")
    return bool(_functions(where)) and target.isidentifier() and target not in names


def generator_around(where: Site | None) -> str:
    """Tells of the async generator function around a line: `yields`, `yields in finally`, or nothing if it is none."""
    inner = function_around(where)
    if inner is None:
        return ""
    last = [each for node in ast.walk(inner) if isinstance(node, ast.Try) for each in node.finalbody]
    if any(isinstance(node, ast.Yield) for each in last for node in ast.walk(each)):
        return "yields in finally"
    return "yields" if any(isinstance(node, ast.Yield) for node in ast.walk(inner)) else ""


def is_entered(where: Site | None) -> bool:
    """Returns whether `async with` takes what a line makes, or the object whose method that line only calls."""
    inner = function_around(where)
    items = (
        [each for node in ast.walk(inner) if isinstance(node, ast.AsyncWith) for each in node.items] if inner else []
    )
    called = {
        ast.unparse(node.func.value)
        for node in (ast.walk(inner) if inner else ())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and where is not None
        and node.lineno <= where.line <= (node.end_lineno or 0)
    }
    called = called if assigned_at(where, "") == "" else set()
    return where is not None and any(
        item.context_expr.lineno <= where.line <= (item.context_expr.end_lineno or 0)
        or (item.optional_vars is not None and ast.unparse(item.optional_vars) in called)
        for item in items
    )


def closes_at_end(where: Site | None) -> bool:
    """Returns whether the function around a line closes, in a `finally`, what the variable of that line gets."""
    target, inner = assigned_at(where, ""), function_around(where)
    last = [each for node in ast.walk(inner) if isinstance(node, ast.Try) for each in node.finalbody] if inner else []
    calls = [node.func for each in last for node in ast.walk(each) if isinstance(node, ast.Call)]
    return any(
        isinstance(each, ast.Attribute) and ast.unparse(each.value) == target and each.attr.lstrip("a") in _CLOSE
        for each in calls
    )


def is_handled(error: str, file: str, line: int) -> bool:
    """Returns whether a line is in a `try` that catches an error of that name."""
    caught = re.compile(rf"\b({error}|Exception|BaseException)\b")
    tree = parsed(file)
    return tree is not None and any(
        node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)
        and any(each.type is None or caught.search(ast.unparse(each.type)) for each in node.handlers)
        for node in ast.walk(tree[0])
        if isinstance(node, ast.Try)
    )


def tree_of(where: Site | None) -> ast.Module | None:
    """Returns the code of the file of a line."""
    found = parsed(where.file) if where is not None else None
    return found[0] if found is not None else None


@functools.cache
def parsed(file: str) -> tuple[ast.Module, str] | None:
    """Returns the code of a file, and its text."""
    try:
        text = "".join(linecache.getlines(file))
        return (ast.parse(text), text) if text else None
    except (SyntaxError, ValueError):
        return None
