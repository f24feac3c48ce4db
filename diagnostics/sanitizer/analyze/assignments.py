"""Reads in the source of the program where a variable is assigned."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from diagnostics.sanitizer.analyze.sources import pairs, parsed

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_ADDING: Final = ("append", "appendleft", "add")


def assignment(file: str, name: str, function: int, cls: str = "") -> tuple[int, int, int | None] | None:
    """Finds where a variable is assigned: line, column and, on the same line, the end column of the value.

    Args:
        file: of the program.
        name: of the variable, as one writes it: `client`, `state['client']`, `service.client`.
        function: the first line of the function whose local variable it is; 0 for a module's.
        cls: the class of what it holds: of several assignments, the one that names it counts.
    """
    tree = parsed(file)
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
    both = [*zip(last, given.defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    return [(each.arg, value) for each, value in both]


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
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        return node.context_expr if ast.unparse(node.optional_vars) in wanted else None
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        thing = ast.unparse(node.func.value)
        is_added = (node.func.attr in _ADDING and thing in wanted) or (
            node.func.attr == "setdefault" and f"{thing}[]" in wanted
        )
        return node.args[-1] if is_added else None
    value = getattr(node, "value", None)
    for each, given in [pair for target in targets for pair in pairs(target, value)] if value is not None else []:
        several = each.elts if isinstance(each, ast.Tuple) else [each]
        names = {ast.unparse(one) for one in several}
        names |= {f"{ast.unparse(one.value)}[]" for one in several if isinstance(one, ast.Subscript)}
        if names & wanted:
            return given
    return None
