"""`unclosed-loop`: code makes an event loop, runs coroutines on it and never closes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.source_file import CodeScope, SourceFile, dotted
from diagnostics.rewrite.rules.engine.tree import OuterName
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The loop keeps its sockets and its pending tasks until the garbage collector finds it, and each call makes another
one. Reported for a loop that one function or one object makes and only runs coroutines on. A loop that is set as the
current one, passed on or run forever is somebody else's to close, and a script's own loop ends with it: neither is
reported."""

WRONG = """\
import asyncio


def run(coroutine):
    loop = asyncio.new_event_loop()
    return loop.run_until_complete(coroutine)
"""

RIGHT = """\
import asyncio


def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
"""

_RUNS: Final = "run_until_complete"
_HARMLESS: Final = frozenset(
    {_RUNS, "create_task", "shutdown_asyncgens", "shutdown_default_executor", "set_debug", "set_exception_handler"}
)
_ONCE: Final = re.compile(r"^_*(a?main|cli)$")
_ADVICE: Final = "use `asyncio.run`, or close the loop in `finally`"


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each loop that nothing closes."""
    for file in reader.tree.matching(r"new_event_loop\(", _RUNS):
        for scope in file.scopes:
            found = _of_object(scope, reader) if scope.is_class else _of_function(scope, reader)
            for made, run, where in found:
                lines = (
                    MarkedLine(file.site(made, where), "created here, and never closed"),
                    MarkedLine(file.site(run, scope), "runs here"),
                )
                yield "an event loop is never closed", lines, _ADVICE


def _of_function(scope: CodeScope, reader: ValueReader) -> Iterator[tuple[ast.Call, ast.AST, CodeScope]]:
    if not scope.is_function or _ONCE.match(scope.name) or _ends_process(scope):
        return
    for node in scope.nodes:
        if not isinstance(node, ast.Call) or not _makes(node, scope, reader):
            continue
        around = scope.file.parents[node]
        if isinstance(around, ast.Attribute) and around.attr == _RUNS:
            yield node, node, scope
        target = around.targets[0] if isinstance(around, ast.Assign) and len(around.targets) == 1 else None
        if isinstance(target, ast.Name) and len(scope.names.get(target.id, ())) == 1:
            run = _only_run([each for each in _named(scope.file, scope, target.id) if each is not target], scope.file)
            if run is not None:
                yield node, run, scope


def _ends_process(scope: CodeScope) -> bool:
    """Returns whether a function ends the process."""
    exits = (["os", "_exit"], ["sys", "exit"])
    return any(isinstance(node, ast.Call) and dotted(node.func) in exits for node in scope.nodes)


def _of_object(cls: CodeScope, reader: ValueReader) -> Iterator[tuple[ast.Call, ast.AST, CodeScope]]:
    """Yields the loops that an object keeps for itself."""
    for name, bounds in cls.attributes.items():
        (bound, *others) = bounds
        if others or not isinstance(bound.value, ast.Call) or not bound.scope.is_function:
            continue
        if not _makes(bound.value, bound.scope, reader):
            continue
        uses = [
            node
            for scope in cls.file.scopes
            for node in scope.nodes
            if isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load)
        ]
        elsewhere = [file for file in reader.tree.matching(rf"\.{name}\b", callers=True) if file is not cls.file]
        run = None if elsewhere else _only_run(uses, cls.file)
        if run is not None:
            yield bound.value, run, bound.scope


def _makes(node: ast.Call, scope: CodeScope, reader: ValueReader) -> bool:
    return reader.tree.resolve(node.func, scope) == OuterName("asyncio.new_event_loop")


def _named(file: SourceFile, scope: CodeScope, name: str) -> list[ast.AST]:
    """Returns every mention of a variable in a function and those inside it."""
    inside = [each for each in file.scopes if each is scope or _is_inside(each, scope)]
    return [node for each in inside for node in each.nodes if isinstance(node, ast.Name) and node.id == name]


def _is_inside(inner: CodeScope, outer: CodeScope) -> bool:
    around = inner.parent
    while around is not None and around is not outer:
        around = around.parent
    return around is outer


def _only_run(uses: Sequence[ast.AST], file: SourceFile) -> ast.AST | None:
    """Returns the first run on a loop, if all that is done with it neither closes it nor gives it away."""
    runs: list[ast.AST] = []
    for use in uses:
        method = file.parents[use]
        call = file.parents[method]
        if not isinstance(method, ast.Attribute) or method.attr not in _HARMLESS:
            return None
        if not isinstance(call, ast.Call) or call.func is not method:
            return None
        runs += [call] if method.attr == _RUNS else []
    return runs[0] if runs else None


RULE = CheckRule("EL013", "unclosed-loop", "an event loop is made, used and never closed", WHY, WRONG, RIGHT, find)
