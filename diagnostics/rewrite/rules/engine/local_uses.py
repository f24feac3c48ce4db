"""What a function does with a local variable."""

from __future__ import annotations

import ast
from typing import Final

from diagnostics.rewrite.rules.engine.source_file import CodeScope

_CONSUMERS: Final = frozenset(
    {"gather", "create_task", "wait_for", "ensure_future", "shield", "wait", "as_completed", "start_soon", "append"}
)


def bound_variable(outer: ast.AST, scope: CodeScope) -> str | None:
    """Returns the local variable to which an assignment binds nothing but this."""
    target = outer.targets[0] if isinstance(outer, ast.Assign) and len(outer.targets) == 1 else None
    if isinstance(outer, (ast.AnnAssign, ast.NamedExpr)):
        target = outer.target
    if not isinstance(target, ast.Name) or target.id in scope.outer:
        return None
    others = [bound.value for bound in scope.names.get(target.id, ()) if bound.node is not outer]
    return target.id if all(isinstance(each, ast.Constant) for each in others) else None


def method_call(node: ast.AST, scope: CodeScope) -> ast.Call | None:
    """Returns the call of a method that an attribute belongs to."""
    while isinstance(node, ast.Attribute):
        outer = scope.file.parents[node]
        if isinstance(outer, ast.Call) and outer.func is node:
            return outer
        node = outer
    return None


def method_chain(call: ast.Call) -> list[str]:
    """Returns the names after the first one of what a call calls; an empty one for a plain name."""
    names: list[str] = []
    node: ast.AST = call.func
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return names[::-1] or [""]


def is_consumed(call: ast.Call, scope: CodeScope) -> bool:
    """Returns whether the function itself waits for a call, so that nothing it returns needs the client."""
    outer = scope.file.parents[call]
    if isinstance(outer, (ast.Await, ast.AsyncFor, ast.withitem, ast.Expr)):
        return True
    if isinstance(outer, ast.comprehension):
        return bool(outer.is_async)
    if isinstance(outer, (ast.ListComp, ast.GeneratorExp)):
        return True
    if isinstance(outer, ast.Starred):
        return True
    if isinstance(outer, ast.Call):
        names = method_chain(outer) if isinstance(outer.func, ast.Attribute) else [getattr(outer.func, "id", "")]
        return names[-1] in _CONSUMERS and call is not outer.func
    return False
