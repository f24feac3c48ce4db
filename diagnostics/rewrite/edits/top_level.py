"""The names of a module: what it imports, and what it offers to other code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import libcst as cst

_INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def lost(path: str, before: str, after: str) -> list[str]:
    """Returns the names that a module offers and would not have after a change.

    It offers what `__all__` lists, and `__init__.py` all names that do not begin with an underscore.

    Raises:
        SyntaxError: it would not be Python.
    """
    old, now = (ast.parse(text) for text in (before, after))
    bound = {*_bound(old)}
    lists = (part for node in old.body if _is_list(node) for part in ast.walk(node))
    listed = {each.value for each in lists if isinstance(each, ast.Constant)}
    public = {name for name in bound if not name.startswith("_")} if path.endswith("__init__.py") else set()
    return sorted((public | (bound & listed)) - {*_bound(now)})


def _is_list(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets)


def _bound(tree: ast.Module) -> Iterator[str]:
    """Yields the names that the code of a module binds."""
    todo: list[ast.AST] = [*tree.body]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, _INNER):
            todo += ast.iter_child_nodes(node)


def with_imports(tree: cst.Module, lines: list[str]) -> cst.Module:
    """Adds imports after the last one at the top of a module."""
    if not lines:
        return tree
    first = 1 if tree.get_docstring() is not None else 0
    imports = [
        index + 1
        for index, statement in enumerate(tree.body)
        if isinstance(statement, cst.SimpleStatementLine)
        and all(isinstance(each, cst.Import | cst.ImportFrom) for each in statement.body)
    ]
    at = next((index for index in reversed(imports) if index - first == sum(each <= index for each in imports)), first)
    body = list(tree.body)
    new = [line for line in _merged(lines) if not any(_extended(body, index - 1, line) for index in imports)]
    own = [cst.parse_statement(line) for line in new]
    return tree.with_changes(body=[*body[:at], *own, *body[at:]])


def _extended(body: list[Any], at: int, line: str) -> bool:
    """Adds the names of an import line to the statement if that imports others of the same module, on one line too."""
    written, (old, *others) = cst.Module([]).code_for_node, body[at].body
    if others or not isinstance(old, cst.ImportFrom) or old.lpar is not None or isinstance(old.names, cst.ImportStar):
        return False
    head, _, new = line.partition(" import ")
    if written(old).partition(" import ")[0] != head or not new:
        return False
    names = {written(each.with_changes(comma=cst.MaybeSentinel.DEFAULT)) for each in old.names}
    added: Any = cst.parse_statement(f"{head} import {', '.join(sorted({*names, *new.split(', ')}))}")
    body[at] = body[at].with_changes(body=added.body)
    return True


def _merged(lines: list[str]) -> list[str]:
    """Returns import lines with those of one module as one."""
    names: dict[str, list[str]] = {}
    for line in lines:
        head, middle, name = line.partition(" import ")
        names.setdefault(head if middle else line, []).extend([name] if middle else [])
    return [f"{head} import {', '.join(sorted(found))}" if found else head for head, found in names.items()]
