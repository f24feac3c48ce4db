"""Which clients a run of an event loop uses and closes: it follows the calls from the coroutines that are run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from diagnostics.rewrite.rules.engine.clients import CLOSERS, WAITS, is_async_use
from diagnostics.rewrite.rules.engine.loops import knows_loops
from diagnostics.rewrite.rules.engine.source_file import FUNCTIONS, CodeScope
from diagnostics.rewrite.rules.engine.starts import LoopRun, handed_run, last_name, outside_frame
from diagnostics.rewrite.rules.engine.tree import NamedValue
from diagnostics.rewrite.rules.engine.values import (
    MadeClient,
    MadeObject,
    ScopeFrame,
    ValueReader,
    is_cached,
)

_ENTERS: Final = frozenset({"enter_async_context", "aclosing", "push_async_exit", "push_async_callback", "closing"})
_TOGETHER: Final = frozenset(
    {"gather", "create_task", "ensure_future", "TaskGroup", "start_soon", "as_completed", "wait"}
)
_SUSPENDS: Final = (ast.Await, ast.AsyncFor, ast.AsyncWith)
_STATES: Final = 400


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
        started: calls that make a task, each with its frame.
        together: whether it has several tasks, which may wait for each other.
        contended: the locks that a task of it may hold while others wait.
    """

    uses: dict[ast.Call, ClientUse] = field(default_factory=dict)
    closed: set[ast.Call] = field(default_factory=set)
    made: set[ast.AST] = field(default_factory=set)
    handed: list[tuple[ast.Call, ScopeFrame]] = field(default_factory=list)
    started: list[tuple[ast.Call, ScopeFrame]] = field(default_factory=list)
    together: bool = False
    contended: set[ast.Call] = field(default_factory=set)

    @property
    def open(self) -> dict[ast.Call, ClientUse]:
        """The uses of clients that the run does not close."""
        return {
            call: use
            for call, use in self.uses.items()
            if call not in self.closed
            and not self.made & {call, use.client.origin}
            and (
                call in self.contended
                or not use.client.maker.is_primitive
                or (self.together and not use.client.maker.is_lock)
            )
        }


def reach(run: LoopRun, reader: ValueReader, frame: ScopeFrame | None = None) -> Reached:
    """Returns what a run does.

    Args:
        frame: of the scope that starts it; without one, its variables outlive the run, and `self` is any object.
    """
    known: dict[tuple[LoopRun, ScopeFrame], Reached] = reader.notes.setdefault("reached", {})
    key = run, frame or outside_frame(run.scope)
    if key not in known:
        known[key] = _Walk(reader).start(*key)
    return known[key]


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
        self.tasks: list[ScopeFrame] = []

    def start(self, run: LoopRun, frame: ScopeFrame) -> Reached:
        for root in run.roots:
            self._root(root, frame)
        return self.follow()

    def follow(self) -> Reached:
        """Goes on until there is nothing more to enter."""
        self._go_on()
        if self.tasks and any(use.client.maker.is_lock for use in self.found.uses.values()):
            inside = _Walk(self.reader)
            inside.todo = self.tasks
            inside._go_on()
            self.found.contended |= {*inside.found.uses}
        return self.found

    def _go_on(self) -> None:
        while self.todo and len(self.seen) < _STATES:
            there = self.todo.pop()
            if there not in self.seen:
                self.seen.add(there)
                for node in there.scope.notable:
                    self._node(node, there)

    def _root(self, root: ast.expr, frame: ScopeFrame) -> None:
        for node in _inside(root):
            self._node(node, frame, root=True)
        if isinstance(root, ast.Name):
            target = self.reader.tree.name(root.id, frame.scope)
            if isinstance(target, NamedValue) and target.scope.is_function:
                for bound in target.scope.names[target.name]:
                    for node in _inside(bound.value) if bound.by == "assignment" else ():
                        self._node(node, frame.around(target.scope) or frame)

    def _node(self, node: ast.AST, frame: ScopeFrame, *, root: bool = False) -> None:
        if isinstance(node, ast.Call):
            if root or not self._is_handed(node, frame.scope):
                self._call(node, frame)
        elif isinstance(node, ast.AsyncWith):
            for item in node.items:
                self._entered(item.context_expr, frame, node)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None:
            for target in node.targets:
                self._let_go(target, frame)

    def _is_handed(self, node: ast.Call, scope: CodeScope) -> bool:
        """Returns whether a call makes the coroutine that a thread runs on a loop of its own."""
        around = [each for each in scope.file.above(node)[:3] if isinstance(each, ast.Call)]
        run = handed_run(around[0], scope, self.reader) if around else None
        return run is not None and run.roots == (node,)

    def _let_go(self, target: ast.expr, frame: ScopeFrame) -> None:
        value = self.reader.value(target, frame)
        if isinstance(value, MadeClient):
            self.found.closed.add(value.call)

    def _entered(self, node: ast.expr, frame: ScopeFrame, statement: ast.AsyncWith) -> None:
        value = self.reader.value(node, frame)
        if isinstance(value, MadeClient):
            if value.maker.is_primitive:
                if any(isinstance(each, _SUSPENDS) for body in statement.body for each in _inside(body)):
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
        in_task = _is_in_task(node, frame.scope, self.reader)
        if in_task and isinstance(base, MadeClient):
            self.found.contended.add(base.call)
        for function in self._callees(node, frame):
            if knows_loops(function) and self._guards(function):
                continue
            self.todo.append(self.reader.frame(node, function, frame))
            self.tasks += self.todo[-1:] if in_task else []
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
        if name in ("create_task", "ensure_future"):
            self.found.started.append((node, frame))

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


def _is_in_task(node: ast.AST, scope: CodeScope, reader: ValueReader) -> bool:
    """Returns whether a call makes a coroutine that a task runs, also by way of a variable."""
    above = scope.file.above(node)
    if any(isinstance(each, ast.Call) and last_name(each.func) in _TOGETHER for each in above):
        return True
    targets = (target for each in above if isinstance(each, ast.Assign) for target in each.targets)
    return any(isinstance(each, ast.Name) and each.id in _names_in_tasks(scope, reader) for each in targets)


def _names_in_tasks(scope: CodeScope, reader: ValueReader) -> set[str]:
    """Returns the variables that a scope gives to what makes or awaits several tasks."""
    known: dict[CodeScope, set[str]] = reader.notes.setdefault("names in tasks", {})
    if scope not in known:
        calls = [e for e in scope.nodes if isinstance(e, ast.Call) and last_name(e.func) in _TOGETHER]
        known[scope] = {e.id for call in calls for e in _inside(call) if isinstance(e, ast.Name)}
    return known[scope]


def _guarded(node: ast.AST, scope: CodeScope) -> bool:
    """Returns whether a scope may leave a node out."""
    return any(isinstance(each, (ast.If, ast.IfExp, ast.BoolOp, ast.Try)) for each in scope.file.above(node))


def _chain(node: ast.AST) -> list[str]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return names[::-1]


def _inside(root: ast.AST | None) -> Iterator[ast.AST]:
    """Yields the nodes of an expression or a statement, without those of functions in it."""
    todo: list[ast.AST] = [root] if root is not None else []
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, FUNCTIONS):
            todo += ast.iter_child_nodes(node)
