"""Which code starts an event loop of its own, also through a function that runs what it is given."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from diagnostics.rewrite.rules.engine.source_file import CodeScope, dotted
from diagnostics.rewrite.rules.engine.tree import NamedValue, OuterName
from diagnostics.rewrite.rules.engine.values import (
    RUNS,
    MadeObject,
    ScopeFrame,
    ValueReader,
)

STARTS: Final = r"asyncio\.run\b|import run\b|run_until_complete|async_to_sync|anyio\.run\b|uvloop\.run\b|Runner\("
"""What a file says that starts a run of its own."""

NEW_LOOP: Final = "a new event loop"

_RUNNERS: Final = {"run_until_complete": "asyncio.new_event_loop", "run": "asyncio.Runner"}
"""Methods that run a coroutine, with what makes the object that has them."""


@dataclass(frozen=True, eq=False)
class LoopRun:
    """Code that starts a loop for some coroutines, and closes it.

    Attributes:
        node: that stands for it in its scope.
        roots: the expressions of the coroutines.
        how: what starts it.
        threaded: whether a thread of its own does.
        over: the loop over functions of which this run calls one.
        within: the function that starts the loop, where it runs what it is given.
    """

    node: ast.AST
    scope: CodeScope
    roots: tuple[ast.expr, ...]
    how: str
    threaded: bool = False
    over: ast.AST | None = None
    within: CodeScope | None = None


def runs_in(scope: CodeScope, reader: ValueReader) -> list[LoopRun]:
    """Returns the runs that the code of a scope starts itself; none where it may use a loop that is kept."""
    if any(isinstance(node, ast.Call) and _uses_kept_loop(node, scope, reader) for node in scope.nodes):
        return []
    found: list[LoopRun] = []
    own_loops: dict[ast.AST, list[ast.expr]] = {}
    for node in scope.nodes:
        if not isinstance(node, ast.Call):
            continue
        run = _run(node, scope, reader)
        if run is not None:
            found += _each(run, reader)
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _RUNNERS and node.args:
            made = _own_loop(node.func.value, scope, reader, _RUNNERS[node.func.attr])
            if made is not None:
                own_loops.setdefault(made, []).append(node.args[0])
    for made, roots in own_loops.items():
        how = NEW_LOOP if isinstance(made, ast.Call) and last_name(made.func) == "new_event_loop" else "asyncio.Runner"
        found.append(LoopRun(made, scope, tuple(roots), how))
    return found


def _each(run: LoopRun, reader: ValueReader) -> list[LoopRun]:
    """Returns a run for each function, where a loop over several calls one after the other."""
    root = run.roots[0]
    if not isinstance(root, ast.Call) or not isinstance(root.func, ast.Name):
        return [run]
    named = reader.tree.name(root.func.id, run.scope)
    bounds = named.scope.names.get(named.name, ()) if isinstance(named, NamedValue) else ()
    for bound in bounds:
        if bound.by == "for" and isinstance(bound.value, (ast.Tuple, ast.List)):
            calls = [_called(each, root.args, root) for each in bound.value.elts]
            return [replace(run, roots=(each,), over=bound.node) for each in calls]
    return [run]


def _run(node: ast.Call, scope: CodeScope, reader: ValueReader) -> LoopRun | None:
    target = reader.tree.resolve(node.func, scope)
    name = target.dotted if isinstance(target, OuterName) else ""
    if name in RUNS and node.args:
        return LoopRun(node, scope, (node.args[0],), name)
    if name == "anyio.run" and node.args:
        return LoopRun(node, scope, (_called(node.args[0], node.args[1:], node),), name)
    if isinstance(node.func, ast.Call):
        inner = reader.tree.resolve(node.func.func, scope)
        if isinstance(inner, OuterName) and inner.dotted == "asgiref.sync.async_to_sync" and node.func.args:
            return LoopRun(node, scope, (_called(node.func.args[0], node.args, node),), "async_to_sync")
    return handed_run(node, scope, reader)


def handed_run(node: ast.Call, scope: CodeScope, reader: ValueReader) -> LoopRun | None:
    """Returns the run of a thread: `submit(asyncio.run, work())`, or `Thread(target=asyncio.run, args=(work(),))`."""
    given = {each.arg: each.value for each in node.keywords}
    arguments = given.get("args")
    pairs = [*itertools.pairwise(node.args)]
    if isinstance(arguments, ast.Tuple) and arguments.elts and "target" in given:
        pairs.append((given["target"], arguments.elts[0]))
    for function, coroutine in pairs:
        passed = reader.tree.resolve(function, scope)
        if isinstance(passed, OuterName) and passed.dotted in RUNS:
            return LoopRun(node, scope, (coroutine,), passed.dotted, threaded=True)
    return None


def _called(function: ast.expr, arguments: list[ast.expr], where: ast.Call) -> ast.expr:
    if isinstance(function, ast.Call) and function.args:  # functools.partial(function, …)
        function, *arguments = function.args
    return ast.copy_location(ast.Call(function, arguments, []), where)


def _uses_kept_loop(node: ast.Call, scope: CodeScope, reader: ValueReader) -> bool:
    func = node.func
    if not isinstance(func, ast.Attribute) or func.attr != "run_until_complete":
        return False
    return _own_loop(func.value, scope, reader) is None


def _own_loop(
    node: ast.expr, scope: CodeScope, reader: ValueReader, maker: str = "asyncio.new_event_loop"
) -> ast.AST | None:
    """Returns the call that makes a loop or a runner, if the scope makes it for itself."""
    if isinstance(node, ast.Name) and node.id in scope.names:
        values = [bound.value for bound in scope.names[node.id]]
        made = [_own_loop(value, scope, reader, maker) for value in values if isinstance(value, ast.Call)]
        before = [each for each in made if each is not None and getattr(each, "lineno", 0) <= node.lineno]
        return before[-1] if before and len(made) == len(values) and None not in made else None
    target = reader.tree.resolve(node.func, scope) if isinstance(node, ast.Call) else None
    return node if isinstance(target, OuterName) and target.dotted == maker else None


def outside_frame(scope: CodeScope) -> ScopeFrame:
    """Returns the frame of a scope that starts loops, and of those around it."""
    parent = None
    if scope.parent is not None and scope.parent.is_function:
        parent = outside_frame(scope.parent)
    first = scope.parameters[:1]
    owner = scope.parent
    values: tuple[tuple[str, MadeObject], ...] = ()
    if owner is not None and owner.is_class and first and not is_static(scope):
        values = ((first[0], MadeObject(owner, fresh=False, known=False, held=first[0])),)
    return ScopeFrame(scope, values, parent, outside=True)


def is_static(scope: CodeScope) -> bool:
    """Returns whether a method has no object."""
    return any(names[-1] in ("staticmethod", "classmethod") for e in scope.decorators() if (names := dotted(e)))


def starting(reader: ValueReader) -> list[tuple[CodeScope, LoopRun]]:
    """Returns every run that a file of the tree starts, also through a function that runs what it is given."""
    if "starting" not in reader.notes:
        own = [
            (scope, run)
            for file in reader.tree.matching(STARTS)
            for scope in file.scopes
            for run in runs_in(scope, reader)
        ]
        wrappers = {scope: (name, run.how) for scope, run in own if (name := _given(scope, run)) is not None}
        found = [(scope, run) for scope, run in own if scope not in wrappers]
        reader.notes["starting"] = [*found, *_wrapped(wrappers, reader)]
    known: list[tuple[CodeScope, LoopRun]] = reader.notes["starting"]
    return known


def _given(scope: CodeScope, run: LoopRun) -> str | None:
    """Returns the parameter of a function that it runs."""
    around: CodeScope | None = scope
    name = run.roots[0].id if isinstance(run.roots[0], ast.Name) else None
    return name if around is not None and name in around.parameters else None


def _wrapped(wrappers: dict[CodeScope, tuple[str, str]], reader: ValueReader) -> Iterator[tuple[CodeScope, LoopRun]]:
    """Yields the calls of functions that run what they are given."""
    if not wrappers:
        return
    names = {scope.name for scope in wrappers}
    hints = {scope.file.module.rpartition(".")[2] for scope in wrappers}
    wanted = rf"\b(?:{'|'.join(sorted(map(re.escape, hints)))})\b|def (?:{'|'.join(sorted(map(re.escape, names)))})\("
    for file in reader.tree.matching(rf"\b(?:{'|'.join(sorted(map(re.escape, names)))})\(", wanted, callers=True):
        for scope in file.scopes:
            for node in scope.nodes:
                if not isinstance(node, ast.Call) or last_name(node.func) not in names:
                    continue
                function = reader.callee(node, outside_frame(scope))
                if isinstance(function, CodeScope) and function in wrappers:
                    own = bool(function.parent and function.parent.is_class and isinstance(node.func, ast.Attribute))
                    name, how = wrappers[function]
                    root = reader.argument(node, function, name, bound=own and not is_static(function))
                    if root is not None:
                        yield scope, LoopRun(node, scope, (root,), how, within=function)


def last_name(node: ast.expr) -> str:
    """Returns the name by which a call calls."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
