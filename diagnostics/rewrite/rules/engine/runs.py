"""Which code starts an event loop of its own, and which clients that run uses and closes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from diagnostics.rewrite.rules.engine.clients import CLOSERS, WAITS, is_async_use
from diagnostics.rewrite.rules.engine.source_file import FUNCTIONS, CodeScope, dotted
from diagnostics.rewrite.rules.engine.tree import NamedValue, OuterName
from diagnostics.rewrite.rules.engine.values import (
    RUNS,
    MadeClient,
    MadeObject,
    ScopeFrame,
    ValueReader,
    is_cached,
    knows_loops,
)

STARTS: Final = r"asyncio\.run\b|import run\b|run_until_complete|async_to_sync|anyio\.run\b|uvloop\.run\b"
"""What a file says that starts a run of its own."""

_ENTERS: Final = frozenset({"enter_async_context", "aclosing", "push_async_exit", "push_async_callback", "closing"})
_TOGETHER: Final = frozenset(
    {"gather", "create_task", "ensure_future", "TaskGroup", "start_soon", "as_completed", "wait"}
)
_STATES: Final = 400


@dataclass(frozen=True, eq=False)
class LoopRun:
    """Code that starts a loop for some coroutines, and closes it.

    Attributes:
        node: that stands for it in its scope.
        roots: the expressions of the coroutines.
        how: what starts it.
        threaded: whether a thread of its own does.
        over: the loop over functions of which this run calls one.
    """

    node: ast.AST
    scope: CodeScope
    roots: tuple[ast.expr, ...]
    how: str
    threaded: bool = False
    over: ast.AST | None = None


@dataclass(frozen=True)
class ClientUse:
    """A call with a client that is kept."""

    client: MadeClient
    node: ast.AST
    scope: CodeScope


@dataclass
class Reached:
    """What a run does with the clients that something keeps.

    Attributes:
        uses: the first call with each.
        closed: those that it closes or lets go of.
        made: the calls that make a client or an object each time.
        handed: calls that hand a function to a thread, each with its frame.
        together: whether it has several tasks, which may wait for each other.
    """

    uses: dict[ast.Call, ClientUse] = field(default_factory=dict)
    closed: set[ast.Call] = field(default_factory=set)
    made: set[ast.AST] = field(default_factory=set)
    handed: list[tuple[ast.Call, ScopeFrame]] = field(default_factory=list)
    together: bool = False

    @property
    def open(self) -> dict[ast.Call, ClientUse]:
        """The uses of clients that the run does not close."""
        return {
            call: use
            for call, use in self.uses.items()
            if call not in self.closed
            and not self.made & {call, use.client.origin}
            and (self.together or not use.client.maker.is_primitive)
        }


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
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "run_until_complete" and node.args:
            made = _own_loop(node.func.value, scope, reader)
            if made is not None:
                own_loops.setdefault(made, []).append(node.args[0])
    found += [LoopRun(made, scope, tuple(roots), "a new event loop") for made, roots in own_loops.items()]
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
    for number, each in enumerate(node.args[:-1]):  # submit(asyncio.run, coroutine)
        passed = reader.tree.resolve(each, scope)
        if isinstance(passed, OuterName) and passed.dotted in RUNS:
            return LoopRun(node, scope, (node.args[number + 1],), passed.dotted, threaded=True)
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


def _own_loop(node: ast.expr, scope: CodeScope, reader: ValueReader) -> ast.AST | None:
    """Returns the call that makes a loop, if the scope makes it for itself."""
    if isinstance(node, ast.Name) and node.id in scope.names:
        values = {bound.value for bound in scope.names[node.id]}
        made = {_own_loop(value, scope, reader) for value in values if isinstance(value, ast.Call)}
        return made.pop() if len(made) == len(values) == 1 else None
    target = reader.tree.resolve(node.func, scope) if isinstance(node, ast.Call) else None
    return node if isinstance(target, OuterName) and target.dotted == "asyncio.new_event_loop" else None


def reach(run: LoopRun, reader: ValueReader, frame: ScopeFrame | None = None) -> Reached:
    """Returns what a run does.

    Args:
        frame: of the scope that starts it; without one, its variables outlive the run, and `self` is any object.
    """
    return _Walk(reader).start(run, frame or outside_frame(run.scope))


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


def reach_body(frame: ScopeFrame, reader: ValueReader) -> Reached:
    """Returns what a coroutine does that something else runs, such as a test."""
    walk = _Walk(reader)
    walk.todo.append(frame)
    return walk.follow()


class _Walk:
    """Follows the calls from the roots of one run."""

    def __init__(self, reader: ValueReader) -> None:
        self.reader = reader
        self.found = Reached()
        self.todo: list[ScopeFrame] = []
        self.seen: set[ScopeFrame] = set()

    def start(self, run: LoopRun, frame: ScopeFrame) -> Reached:
        for root in run.roots:
            self._root(root, frame)
        return self.follow()

    def follow(self) -> Reached:
        """Goes on until there is nothing more to enter."""
        while self.todo and len(self.seen) < _STATES:
            there = self.todo.pop()
            if there not in self.seen:
                self.seen.add(there)
                for node in there.scope.nodes:
                    self._node(node, there)
        return self.found

    def _root(self, root: ast.expr, frame: ScopeFrame) -> None:
        for node in _inside(root):
            self._node(node, frame)
        if isinstance(root, ast.Name):
            target = self.reader.tree.name(root.id, frame.scope)
            if isinstance(target, NamedValue) and target.scope.is_function:
                for bound in target.scope.names[target.name]:
                    for node in _inside(bound.value) if bound.by == "assignment" else ():
                        self._node(node, frame.around(target.scope) or frame)

    def _node(self, node: ast.AST, frame: ScopeFrame) -> None:
        if isinstance(node, ast.Call):
            self._call(node, frame)
        elif isinstance(node, ast.AsyncWith):
            for item in node.items:
                self._entered(item.context_expr, frame)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None:
            for target in node.targets:
                self._let_go(target, frame)

    def _let_go(self, target: ast.expr, frame: ScopeFrame) -> None:
        value = self.reader.value(target, frame)
        if isinstance(value, MadeClient):
            self.found.closed.add(value.call)

    def _entered(self, node: ast.expr, frame: ScopeFrame) -> None:
        value = self.reader.value(node, frame)
        if isinstance(value, MadeClient):
            if value.maker.is_primitive:
                self._waits(node, value, frame)
            elif not isinstance(node, ast.Call) or value.call is node:
                self.found.closed.add(value.call)
        elif isinstance(value, MadeObject):
            for name in ("__aenter__", "__aexit__"):
                method = self.reader.tree.method(value.cls, name)
                if method is not None and method.parameters:
                    self.todo.append(ScopeFrame(method, ((method.parameters[0], value),)))

    def _call(self, node: ast.Call, frame: ScopeFrame) -> None:
        func = node.func
        base = self.reader.value(func.value if isinstance(func, ast.Attribute) else func, frame)
        if isinstance(base, MadeClient):
            self._used(node, base, frame)
        for function in self._callees(node, frame):
            if knows_loops(function) and self._guards(function):
                continue
            self.todo.append(self.reader.frame(node, function, frame))
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        arguments = [*node.args, *(each.value for each in node.keywords)]
        self.found.together = self.found.together or name in _TOGETHER
        if name == "cache_clear":
            self._cleared(func, frame)
        for argument in arguments:
            value = self.reader.value(argument, frame)
            if isinstance(value, MadeClient) and (
                name in _ENTERS or name.lower().startswith(("close", "aclose", "dispose"))
            ):
                self.found.closed.add(value.call)
            elif isinstance(argument, ast.Attribute) and argument.attr in CLOSERS:
                self._let_go(argument.value, frame)
        made = self.reader.value(node, frame)
        if made is not None and made.origin is node and not _guarded(node, frame.scope) and not is_cached(frame.scope):
            self.found.made.add(node)
        if name in ("Thread", "to_thread", "submit", "run_in_executor", "map"):
            self.found.handed.append((node, frame))

    def _cleared(self, func: ast.expr, frame: ScopeFrame) -> None:
        target = self.reader.tree.resolve(func.value if isinstance(func, ast.Attribute) else func, frame.scope)
        if isinstance(target, CodeScope):
            value = self.reader.returned(target, ScopeFrame(target))
            if isinstance(value, MadeClient):
                self.found.closed.add(value.call)

    def _used(self, node: ast.Call, client: MadeClient, frame: ScopeFrame) -> None:
        chain = _chain(node.func)
        if client.maker.is_primitive:
            if chain and chain[-1] in WAITS:
                self._waits(node, client, frame)
            return
        flushes = chain[-1:] == ["drain"] and client.maker.library is None  # of a stream; of NATS, it closes
        if chain and chain[-1] in CLOSERS and not flushes:
            self.found.closed.add(client.call)
        elif not client.fresh and is_async_use(chain, client.maker):
            self.found.uses.setdefault(client.call, ClientUse(client, node, frame.scope))

    def _waits(self, node: ast.AST, primitive: MadeClient, frame: ScopeFrame) -> None:
        if not primitive.fresh:
            self.found.uses.setdefault(primitive.call, ClientUse(primitive, node, frame.scope))

    def _callees(self, node: ast.Call, frame: ScopeFrame) -> Iterator[CodeScope]:
        target = self.reader.callee(node, frame)
        if isinstance(target, CodeScope) and target.is_function:
            yield target
        if isinstance(node.func, ast.Subscript) and isinstance(node.func.value, ast.Name):
            named = self.reader.tree.name(node.func.value.id, frame.scope)
            for bound in named.scope.names.get(named.name, ()) if isinstance(named, NamedValue) else ():
                for value in bound.value.values if isinstance(bound.value, ast.Dict) else ():
                    each = self.reader.tree.resolve(value, bound.scope)
                    if isinstance(each, CodeScope) and each.is_function:
                        yield each

    @staticmethod
    def _guards(function: CodeScope) -> bool:
        """Returns whether a function that asks for the loop is one that gets a client for it."""
        return any(isinstance(each, ast.Return) and each.value is not None for each in function.nodes)


def _guarded(node: ast.AST, scope: CodeScope) -> bool:
    """Returns whether a scope may leave a node out."""
    return any(isinstance(each, (ast.If, ast.IfExp, ast.BoolOp, ast.Try)) for each in scope.file.above(node))


def _chain(node: ast.AST) -> list[str]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return names[::-1]


def _inside(root: ast.expr | None) -> Iterator[ast.AST]:
    """Yields the nodes of an expression, without those of functions in it."""
    todo: list[ast.AST] = [root] if root is not None else []
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            todo += ast.iter_child_nodes(node)


def starting(reader: ValueReader) -> list[tuple[CodeScope, LoopRun]]:
    """Returns every run that a file of the tree starts, also through a function that runs what it is given."""
    if "starting" not in reader.notes:
        own = [
            (scope, run)
            for file in reader.tree.matching(STARTS)
            for scope in file.scopes
            for run in runs_in(scope, reader)
        ]
        wrappers = {scope: name for scope, run in own if (name := _given(scope, run)) is not None}
        found = [(scope, run) for scope, run in own if scope not in wrappers]
        reader.notes["starting"] = [*found, *_wrapped(wrappers, reader)]
    known: list[tuple[CodeScope, LoopRun]] = reader.notes["starting"]
    return known


def _given(scope: CodeScope, run: LoopRun) -> str | None:
    """Returns the parameter of a function that it runs."""
    around: CodeScope | None = scope
    name = run.roots[0].id if isinstance(run.roots[0], ast.Name) else None
    return name if around is not None and name in around.parameters else None


def _wrapped(wrappers: dict[CodeScope, str], reader: ValueReader) -> Iterator[tuple[CodeScope, LoopRun]]:
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
                    root = reader.argument(node, function, wrappers[function], bound=own and not is_static(function))
                    if root is not None:
                        yield scope, LoopRun(node, scope, (root,), function.name)


def last_name(node: ast.expr) -> str:
    """Returns the name by which a call calls."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
