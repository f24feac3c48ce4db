"""Expressions that stand for an event loop, and what code keeps for each loop."""

from __future__ import annotations

import ast
import re
from typing import Final

from diagnostics.rewrite.rules.engine.source_file import CodeScope, dotted, written

_LOOP_WORDS: Final = frozenset({"get_running_loop", "get_event_loop", "is_closed", "_get_running_loop", "current_task"})
_GETTERS: Final = frozenset({"get_running_loop", "get_event_loop", "new_event_loop", "_get_running_loop"})
_REFERENCE: Final = re.compile(r"(^|_)(weak)?ref$")
_NAMED: Final = re.compile(r"^_?((event|running|current)_?)?loop$")


def knows_loops(scope: CodeScope) -> bool:
    """Returns whether code asks which loop runs, and so may keep a value for each."""
    return not _LOOP_WORDS.isdisjoint(scope.words)


def is_loop(node: ast.AST | None, scope: CodeScope) -> bool:
    """Returns whether an expression is an event loop, as far as its name or its value shows."""
    if isinstance(node, ast.Call):
        names = dotted(node.func)
        return bool(names) and names[-1] in _GETTERS
    names = dotted(node)
    if not names:
        return False
    if len(names) == 1:
        values = [bound.value for bound in scope.names.get(names[0], ()) if bound.by == "assignment"]
        if values:
            return any(is_loop(each, scope) for each in values if isinstance(each, ast.Call))
    return bool(_NAMED.match(names[-1]))


def compares_loops(scope: CodeScope) -> bool:
    """Returns whether code looks whether a loop is the one it means, or whether it still lives."""
    for node in scope.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
            sides = (node.left, *node.comparators)
            if all(not isinstance(each, ast.Constant) for each in sides) and any("loop" in written(s) for s in sides):
                return True
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in ("is_closed", "finalize", "is_running") or _REFERENCE.search(name):
            return True
    return False


def store_of(node: ast.AST, scope: CodeScope) -> tuple[str, ast.expr | None] | None:
    """Returns the mapping that a key is used with, as code, and the value that is stored under it."""
    parents = scope.file.parents
    outer = parents.get(node)
    while isinstance(outer, (ast.Tuple, ast.JoinedStr, ast.FormattedValue, ast.IfExp)):
        node, outer = outer, parents.get(outer)
    if isinstance(outer, ast.Subscript) and outer.slice is node:
        statement = parents.get(outer)
        stored = statement.value if isinstance(statement, ast.Assign) and outer in statement.targets else None
        return written(outer.value), stored
    method = outer.func if isinstance(outer, ast.Call) else None
    if isinstance(outer, ast.Call) and isinstance(method, ast.Attribute) and outer.args[:1] == [node]:
        stored = outer.args[1] if method.attr == "setdefault" and len(outer.args) > 1 else None
        return written(method.value), stored
    if isinstance(outer, ast.Compare) and isinstance(outer.ops[0], (ast.In, ast.NotIn)) and outer.left is node:
        return written(outer.comparators[0]), None
    return None


def is_removed(name: str, scope: CodeScope) -> bool:
    """Returns whether code takes what it has stored in a mapping out again, whatever happens."""
    for node in scope.nodes:
        for statement in node.finalbody if isinstance(node, ast.Try) else ():
            for each in ast.walk(statement):
                if isinstance(each, ast.Attribute) and each.attr == "pop" and written(each.value) == name:
                    return True
                if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Del) and written(each.value) == name:
                    return True
    return False


def outlives(name: str, scope: CodeScope) -> bool:
    """Returns whether a mapping is kept by a module, a class or an object."""
    first, _, rest = name.partition(".")
    if rest:
        return first in ("self", "cls") or first[:1].isupper()
    return name not in scope.names and name in scope.file.body.names
