"""What a change takes from code outside the folder: names that modules no longer have, and parameters. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from diagnostics.rewrite.proof.copies import Tree

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def taken(tree: Tree) -> list[str]:
    """Returns a phrase for each public name that is gone, and for each function with other parameters.

    The files of the tree's folder are those before the change.
    Files that nobody imports are left out: tests, and scripts that run when they are imported.
    """
    found = []
    for path, text in sorted(tree.changed.items()):
        name = PurePosixPath(path).name
        if not (tree.root / path).exists() or name.startswith("test_") or name in ("conftest.py", "__main__.py"):
            continue
        try:
            before, after = ast.parse(Tree(tree.root).read(path)), ast.parse(text)
        except (OSError, SyntaxError, ValueError):
            continue
        if not _runs(before):
            found += [f"{path} {each}" for each in _differences(before, after)]
    return found


def _differences(before: ast.Module, after: ast.Module) -> Iterator[str]:
    names, functions = {*_names(after)}, dict(_functions(after))
    for name in dict.fromkeys(_names(before)):
        if name not in names:
            yield f"has no {name} any more"
    for name, function in dict(_functions(before)).items():  # of overloads, the last
        now = functions.get(name)
        if now is not None and ast.dump(now.args) != ast.dump(function.args):
            yield f"has {name}({ast.unparse(now.args)})"


def _names(tree: ast.Module) -> Iterator[str]:
    """Yields the public names that the lines of a module define."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names = [each.id for each in targets if isinstance(each, ast.Name)]
        yield from (name for name in names if not name.startswith("_"))


def _functions(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, _Function]]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _functions(node, f"{node.name}.")


def _runs(tree: ast.Module) -> bool:
    """Returns whether importing a module starts a run of a loop."""
    todo: list[ast.AST] = [*tree.body]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.run":
            return True
        guarded = isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)
        if not guarded and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            todo += ast.iter_child_nodes(node)
    return False
