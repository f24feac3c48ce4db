"""Child processes that inherit what the parent has open: of `multiprocessing`, and of a server that loads first."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from typing import Final

from diagnostics.rewrite.rules.engine.runs import ClientUse, Reached, reach, reach_body
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


def before_workers(reader: ValueReader) -> Iterator[tuple[ClientUse, LoopRun, ast.AST, SourceFile]]:
    """Yields each client that Gunicorn's preloading uses or connects, and that a handler uses in the workers.

    With it: the run at import, and the setting with its file.
    """
    preloads = next(_preloads(reader), None)
    early = [*_at_import(reader)] if preloads is not None else []
    for file in reader.tree.matching(rf"@\w+\.(?:{'|'.join(sorted(_HANDLERS))})\(") if early else ():
        for scope in file.scopes:
            if not scope.is_async or not any(
                len(n := dotted(e)) > 1 and n[-1] in _HANDLERS for e in scope.decorators()
            ):
                continue
            for call, use in reach_body(ScopeFrame(scope), reader).open.items():
                runs = (run for run, reached in early if call in {*reached.open, *reached.made})
                run = None if use.client.maker.is_primitive else next(runs, None)
                if run is not None and preloads is not None:
                    yield use, run, *preloads


def _at_import(reader: ValueReader) -> Iterator[tuple[LoopRun, Reached]]:
    """Yields the runs of a module while it is imported."""
    for scope, run in starting(reader):
        above = scope.file.above(run.node) if scope.parent is None else None
        if above is not None and not any(isinstance(e, ast.If) and "__name__" in written(e.test) for e in above):
            yield run, reach(run, reader)


def _preloads(reader: ValueReader) -> Iterator[tuple[ast.AST, SourceFile]]:
    """Yields the settings by which Gunicorn loads the program before it forks."""
    for file in reader.tree.matching(r"preload_app\s*=\s*True", callers=True):
        if os.path.basename(file.path).startswith("gunicorn"):
            for bound in file.body.names.get("preload_app", ()):
                if isinstance(bound.value, ast.Constant) and bound.value.value is True:
                    yield bound.node, file
