"""Reads the source of the program: the expression that creates a client, and where a variable is assigned."""

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
_ADDING: Final = ("append", "appendleft", "add")


def block(*lines: str) -> str:
    """Returns code of these lines."""
    return "\n".join(lines)


def with_imports(code: str, where: Site | None) -> str:
    """Returns code with the imports that it needs and the file of a line does not have."""
    tree = _parsed(where.file) if where is not None else None
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
    tree = _parsed(where.file) if where is not None else None
    if where is None or tree is None:
        return f"{client}(...)"
    calls = [
        node
        for node in ast.walk(tree[0])
        if isinstance(node, ast.Call) and node.lineno <= where.line <= (node.end_lineno or 0)
    ]
    names = {client, *functions} - {""}
    named = [call for call in calls if names & {*re.findall(r"\w+", ast.unparse(call.func))}]
    chosen = named or [call for call in calls if assigned and call.lineno == where.line and _is_at(call, where)]
    call = _entered(chosen[0]) if chosen else None
    text = ast.get_source_segment(tree[1], call) if call is not None else None
    if call is None or text is None:
        return f"{client}(...)"
    if "#" in text and "\n" in text:  # a comment would end the one line that it becomes
        text = ast.unparse(call)
    awaited = any(isinstance(node, ast.Await) and node.value is call for node in ast.walk(tree[0]))
    return ("await " if awaited else "") + re.sub(r",? \)$", ")", " ".join(text.split()).replace("( ", "("))


def _entered(call: ast.Call) -> ast.expr:
    """Returns what a call enters: `x()` of `x().__aenter__()` and of `stack.enter_async_context(x())`."""
    if not isinstance(call.func, ast.Attribute):
        return call
    if call.func.attr == "__aenter__":
        return call.func.value
    return call.args[0] if call.func.attr in ("enter_async_context", "enterAsyncContext") and call.args else call


def _is_at(call: ast.Call, where: Site) -> bool:
    return where.column is None or call.col_offset >= where.column


def has_class(where: Site | None, name: str) -> bool:
    """Returns whether the file of a line defines a class."""
    tree = _parsed(where.file) if where is not None else None
    return tree is not None and any(isinstance(node, ast.ClassDef) and node.name == name for node in ast.walk(tree[0]))


def function_around(where: Site | None) -> ast.AsyncFunctionDef | None:
    """Returns the coroutine function around a line."""
    return next((node for node in _functions(where) if isinstance(node, ast.AsyncFunctionDef)), None)


def run_at(where: Site | None) -> str:
    """Returns the first line of the coroutine function that a line runs, as in `asyncio.run(work())`, or ""."""
    tree = _parsed(where.file) if where is not None else None
    if where is None or tree is None:
        return ""
    nodes = list(ast.walk(tree[0]))
    calls = [
        each for each in nodes if isinstance(each, ast.Call) and each.lineno <= where.line <= (each.end_lineno or 0)
    ]
    runs = [each.args[0].func for each in calls if each.args and isinstance(each.args[0], ast.Call)]
    names = {each.id for each in runs if isinstance(each, ast.Name)}
    names |= {each.attr for each in runs if isinstance(each, ast.Attribute)}
    found = [each for each in nodes if isinstance(each, ast.AsyncFunctionDef) and each.name in names]
    return first_line(found[0]) if len(found) == 1 else ""


def first_line(function: ast.AsyncFunctionDef) -> str:
    """Returns the first line of a coroutine function."""
    return f"async def {function.name}({ast.unparse(function.args)}):"


def _functions(where: Site | None) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Returns the functions around a line, the innermost first."""
    tree = _parsed(where.file) if where is not None else None
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
    tree = _parsed(where.file) if where is not None else None
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
    tree = _parsed(where.file) if where is not None else None
    for node in ast.walk(tree[0]) if tree is not None else ():
        if where is None or not (isinstance(node, ast.Attribute) and node.attr == method):
            continue
        if node.lineno <= where.line <= (node.end_lineno or 0):
            return ast.unparse(node.value)
    return ""


def given_to(where: Site | None, creation: str) -> str:
    """Returns what gets the value of an expression of a line, as it is written there; "" where nothing does."""
    tree = _parsed(where.file) if where is not None else None
    if tree is None or where is None:
        return ""
    wanted = "".join(creation.removeprefix("await ").split())
    for target, value in _givings(tree[0]):
        last = value.end_lineno or 0
        if value.lineno <= where.line <= last and any(wanted == _written(tree[1], each) for each in _results(value)):
            return ast.unparse(target)
    return ""


def _givings(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yields each variable and the expression whose value it gets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield node.targets[0], node.value
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            yield node.target, node.value
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            yield node.optional_vars, node.context_expr


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


def _written(text: str, node: ast.expr) -> str:
    """Returns an expression as `creation_of` does, without blanks."""
    found = ast.get_source_segment(text, node) or ""
    found = ast.unparse(node) if "#" in found and "\n" in found else found
    return re.sub(r",\)$", ")", "".join(found.split()))


def sync_function_around(where: Site | None) -> str:
    """Returns the name of the innermost function around a line if that is no coroutine function, or ""."""
    return next((each.name for each in _functions(where)[:1] if isinstance(each, ast.FunctionDef)), "")


def mentions(where: Site | None, name: str) -> bool:
    """Returns whether the code in the file of a line uses a name."""
    tree = _parsed(where.file) if where is not None else None
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
    """Returns whether the expression on a line is what an `async with` takes."""
    inner = function_around(where)
    return (
        where is not None
        and inner is not None
        and any(
            item.context_expr.lineno <= where.line <= (item.context_expr.end_lineno or 0)
            for node in ast.walk(inner)
            if isinstance(node, ast.AsyncWith)
            for item in node.items
        )
    )


def is_handled(error: str, file: str, line: int) -> bool:
    """Returns whether a line is in a `try` that catches an error of that name."""
    caught = re.compile(rf"\b({error}|Exception|BaseException)\b")
    tree = _parsed(file)
    return tree is not None and any(
        node.body[0].lineno <= line <= (node.body[-1].end_lineno or 0)
        and any(each.type is None or caught.search(ast.unparse(each.type)) for each in node.handlers)
        for node in ast.walk(tree[0])
        if isinstance(node, ast.Try)
    )


def tree_of(where: Site | None) -> ast.Module | None:
    """Returns the code of the file of a line."""
    found = _parsed(where.file) if where is not None else None
    return found[0] if found is not None else None


@functools.cache
def _parsed(file: str) -> tuple[ast.Module, str] | None:
    try:
        text = "".join(linecache.getlines(file))
        return (ast.parse(text), text) if text else None
    except (SyntaxError, ValueError):
        return None


def assignment(file: str, name: str, function: int, cls: str = "") -> tuple[int, int, int | None] | None:
    """Finds where a variable is assigned: line, column and, on the same line, the end column of the value.

    Args:
        file: of the program.
        name: of the variable, as one writes it: `client`, `state['client']`, `service.client`.
        function: the first line of the function whose local variable it is; 0 for a module's.
        cls: the class of what it holds: of several assignments, the one that names it counts.
    """
    tree = _parsed(file)
    if tree is None:
        return None
    last = name.rpartition(".")[2]
    wanted = {name, f"self.{last}", f"cls.{last}"} if "." in name else {name}
    scopes = _scopes(tree[0], function, re.split(r"[.\[]", name)[0])
    scope = scopes[0]
    found = next(filter(None, (_assigned(each, wanted, cls) for each in scopes)), None)
    if found is None and name.endswith("]"):  # the key may be a variable
        found = _assigned(tree[0], {f"{name.rpartition('[')[0]}[]"})
    if found is None and "." in name:
        root = {re.split(r"[.\[]", name)[0]} - {"self"}
        classes = [
            node
            for node in ast.walk(tree[0])
            if isinstance(node, ast.ClassDef) and (node.name in root or (not root and scope in node.body))
        ]
        found = _assigned(tree[0], wanted, cls) or next(
            filter(None, (_assigned(each, {last}) for each in classes)), None
        )
        found = found or _of_property(tree[0], last) or _assigned(scope, root)
    if found is None:
        return None
    return found.lineno, found.col_offset, found.end_col_offset if found.end_lineno == found.lineno else None


def _scopes(tree: ast.Module, function: int, name: str) -> list[ast.AST]:
    """Returns where a variable of a function may be assigned: in that, or in those around it whose closure has it."""
    functions = [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
    around = [node for node in functions if _first_line(node) <= function <= (node.end_lineno or 0)]
    found: list[ast.AST] = []
    for each in sorted(around, key=_first_line, reverse=True):
        found.append(each)
        if name in _local_names(each) | {node.arg for node in ast.walk(each.args) if isinstance(node, ast.arg)}:
            break
    return found or [tree]


def _first_line(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([function.lineno, *(each.lineno for each in function.decorator_list)])


def _of_property(tree: ast.AST, name: str) -> ast.Call | None:
    """Returns the call whose result a property returns, as one that is cached does."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
    found = [node for node in functions if any(ast.unparse(each).endswith("property") for each in node.decorator_list)]
    returned = [each.value for node in found for each in ast.walk(node) if isinstance(each, ast.Return)]
    return next((each for each in returned if isinstance(each, ast.Call)), None)


def _assigned(scope: ast.AST, wanted: set[str], cls: str = "", *, follows: bool = True) -> ast.Call | None:
    """Returns the first call whose result a variable or a list gets, also by way of a variable of the same function."""
    found = []
    for node in nodes_of(scope, wanted):
        value = _given(node, wanted)
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Name) and follows:
            around = [each for each in ast.walk(scope) if isinstance(each, _FUNCTIONS) and node in ast.walk(each)]
            value = _assigned(around[-1] if around else scope, {value.id}, follows=False)
        if isinstance(value, ast.Call):
            found.append(value)
    found += [value for each, value in _defaults(scope) if each in wanted and isinstance(value, ast.Call)]
    return min(
        found, key=lambda value: (cls not in re.findall(r"\w+", ast.unparse(value.func)), value.lineno), default=None
    )


def _defaults(scope: ast.AST) -> list[tuple[str, ast.expr | None]]:
    """Returns the arguments of a function that have default values, with those."""
    if not isinstance(scope, _FUNCTIONS):
        return []
    given = scope.args
    last = [*given.posonlyargs, *given.args][-len(given.defaults) :] if given.defaults else []
    pairs = [*zip(last, given.defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [(each.arg, value) for each, value in pairs]


def nodes_of(scope: ast.AST, names: set[str]) -> Iterator[ast.AST]:
    """Yields what is in a scope, and in the functions inside it but for those with a variable of their own so named."""
    for node in ast.iter_child_nodes(scope):
        own = names & _local_names(node) if isinstance(node, _FUNCTIONS) else set()
        if names - own:
            yield node
            yield from nodes_of(node, names - own)


def _local_names(function: ast.AST) -> set[str]:
    """Returns the names that a function assigns as its own."""
    nodes = list(ast.walk(function))
    outer = {name for node in nodes if isinstance(node, (ast.Global, ast.Nonlocal)) for name in node.names}
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return own - outer


def _given(node: ast.AST, wanted: set[str]) -> ast.expr | None:
    """Returns what a statement puts into one of these variables or lists."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        targets = [node.target]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        thing = ast.unparse(node.func.value)
        is_added = (node.func.attr in _ADDING and thing in wanted) or (
            node.func.attr == "setdefault" and f"{thing}[]" in wanted
        )
        return node.args[-1] if is_added else None
    several = [one for each in targets for one in (each.elts if isinstance(each, ast.Tuple) else [each])]
    names = {ast.unparse(each) for each in several}
    names |= {f"{ast.unparse(each.value)}[]" for each in several if isinstance(each, ast.Subscript)}
    return getattr(node, "value", None) if names & wanted else None
