"""Child processes that inherit what the parent has open: of `multiprocessing`, and of a server that loads first."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from typing import Final

from diagnostics.rewrite.rules.engine.runs import ClientUse, reach, reach_body
from diagnostics.rewrite.rules.engine.source_file import CodeScope, SourceFile, dotted, written
from diagnostics.rewrite.rules.engine.starts import LoopRun, last_name, starting
from diagnostics.rewrite.rules.engine.tree import OuterName
from diagnostics.rewrite.rules.engine.values import ScopeFrame, ValueReader

_NO_FORK: Final = re.compile(r"\bspawn\b|forkserver")
_HANDLERS: Final = frozenset({"get", "post", "put", "patch", "delete", "route", "api_route", "websocket", "head"})


def in_process(node: ast.Call, scope: CodeScope, reader: ValueReader) -> bool:
    """Returns whether a call hands a function to a process instead of a thread."""
    if last_name(node.func) == "Process":
        return _name(node.func, scope, reader).startswith("multiprocessing.")
    pool = (
        node.args[0] if last_name(node.func) == "run_in_executor" and node.args else getattr(node.func, "value", None)
    )
    if isinstance(pool, ast.Name):
        values = [bound.value for bound in scope.names.get(pool.id, scope.file.body.names.get(pool.id, ()))]
        return any(_is_pool(each, scope, reader) for each in values)
    return _is_pool(pool, scope, reader)


def _is_pool(node: ast.AST | None, scope: CodeScope, reader: ValueReader) -> bool:
    name = _name(node.func, scope, reader) if isinstance(node, ast.Call) else ""
    return name.startswith(("concurrent.", "multiprocessing.")) and name.endswith(("ProcessPoolExecutor", ".Pool"))


def _name(node: ast.expr, scope: CodeScope, reader: ValueReader) -> str:
    target = reader.tree.resolve(node, scope)
    return target.dotted if isinstance(target, OuterName) else ""


def forks(scope: CodeScope) -> bool:
    """Returns whether processes begin as a copy of their parent, as far as the file says."""
    return not _NO_FORK.search(scope.file.text)


def before_workers(reader: ValueReader) -> Iterator[tuple[ClientUse, LoopRun, ast.AST, SourceFile, ClientUse]]:
    """Yields each client that a module uses while Gunicorn preloads it, and that a handler uses in the workers.

    With it: the run at import, the setting and its file, and the use of the handler.
    """
    preloads = next(_preloads(reader), None)
    if preloads is None:
        return
    early: dict[ast.Call, tuple[ClientUse, LoopRun]] = {}
    for scope, run in starting(reader):
        if scope.parent is None and not any(
            isinstance(each, ast.If) and "__name__" in written(each.test) for each in scope.file.above(run.node)
        ):
            early |= {
                call: (use, run) for call, use in reach(run, reader).open.items() if not use.client.maker.is_primitive
            }
    for file in reader.tree.matching(rf"@\w+\.(?:{'|'.join(sorted(_HANDLERS))})\(") if early else ():
        for scope in file.scopes:
            if scope.is_async and any(len(n := dotted(e)) > 1 and n[-1] in _HANDLERS for e in scope.decorators()):
                for call, later in reach_body(ScopeFrame(scope), reader).open.items():
                    if call in early:
                        yield *early.pop(call), *preloads, later


def _preloads(reader: ValueReader) -> Iterator[tuple[ast.AST, SourceFile]]:
    """Yields the settings by which Gunicorn loads the program before it forks."""
    for file in reader.tree.matching(r"preload_app\s*=\s*True", callers=True):
        if os.path.basename(file.path).startswith("gunicorn"):
            for bound in file.body.names.get("preload_app", ()):
                if isinstance(bound.value, ast.Constant) and bound.value.value is True:
                    yield bound.node, file
