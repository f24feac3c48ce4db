"""`unclosed-client`: a coroutine makes a client that nothing closes, returns, stores or gets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.model.libraries import LIBRARIES
from diagnostics.rewrite.rules.engine.clients import CLOSERS, ClientMaker, client_maker, is_async_use
from diagnostics.rewrite.rules.engine.local_uses import bound_variable, is_consumed, method_call, method_chain
from diagnostics.rewrite.rules.engine.source_file import CodeScope, dotted
from diagnostics.rewrite.rules.engine.starts import is_static, last_name, outside_frame
from diagnostics.rewrite.rules.engine.suites import is_mocked
from diagnostics.rewrite.rules.engine.values import MadeClient, MadeObject, ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
When the loop closes, the client's connections are still open. The garbage collector finds them later, on whatever
loop runs then. Reported for the classes of known libraries, where the coroutine only makes calls with the client. A
client that is returned, stored, passed on or kept by a function inside is somebody else's to close, and is not
reported."""

WRONG = """\
import httpx


async def load(url):
    client = httpx.AsyncClient()
    answer = await client.get(url)
    return answer.text
"""

RIGHT = """\
import httpx


async def load(url):
    async with httpx.AsyncClient() as client:
        answer = await client.get(url)
        return answer.text
"""

_MADE: Final = sorted(
    {each.rpartition(".")[2] for row in LIBRARIES.values() for each in (row.client, *row.makes) if each} | {"from_url"}
)
_WORDS: Final = rf"\b(?:{'|'.join(map(re.escape, _MADE))})\("
_CLOSE: Final = "close it: `async with`, or its closing method in `finally`"
_DEPTH: Final = 2


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client of a coroutine that it leaves open."""
    for file in reader.tree.matching(_WORDS):
        if is_mocked(file):
            continue
        for scope in file.scopes:
            for node in scope.nodes if scope.is_async else ():
                maker = client_maker(node, scope, reader.tree) if isinstance(node, ast.Call) else None
                if maker is not None and maker.library is not None and _Life(reader, maker).is_left(node, scope):
                    line = MarkedLine(file.site(node, scope), "created here, and never closed")
                    yield f"`{scope.name}` leaves its {maker.title} open", (line,), _advice(maker)
    yield from _objects(reader)
    yield from _from_helpers(reader)


def _from_helpers(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields the clients that a coroutine gets from a function which makes a new one for each call."""
    helpers = dict(_helpers(reader))
    names = sorted({re.escape(scope.name) for scope in helpers})
    for file in reader.tree.matching(rf"\b(?:{'|'.join(names)})\(") if helpers else ():
        for scope in file.scopes if not is_mocked(file) else ():
            for node in scope.nodes if scope.is_async else ():
                if not isinstance(node, ast.Call) or last_name(node.func) not in names:
                    continue
                function = reader.callee(node, outside_frame(scope))
                made = helpers.get(function) if isinstance(function, CodeScope) else None
                if made is not None and isinstance(function, CodeScope):
                    maker, call = made
                    if _Life(reader, maker).is_left(node, scope):
                        lines = (
                            MarkedLine(file.site(node, scope), "got here, and never closed"),
                            MarkedLine(function.file.site(call, function), "a new one for each call"),
                        )
                        yield f"`{scope.name}` leaves its {maker.title} open", lines, _advice(maker)


def _helpers(reader: ValueReader) -> Iterator[tuple[CodeScope, tuple[ClientMaker, ast.Call]]]:
    """Yields the functions that return a client which nothing else has."""
    for file in reader.tree.matching(_WORDS):
        for scope in file.scopes:
            if not scope.is_function or any(not is_static(scope) for _ in scope.decorators()):
                continue
            for node in scope.nodes:
                call = node.value if isinstance(node, ast.Return) else None
                maker = client_maker(call, scope, reader.tree) if isinstance(call, ast.Call) else None
                if maker is not None and maker.library is not None and isinstance(call, ast.Call):
                    yield scope, (maker, call)


def _objects(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields the objects of a coroutine that make a client of their own, and have a method that closes it."""
    holders: dict[str, tuple[CodeScope, MadeClient]] = {}
    for file in reader.tree.matching(_WORDS):
        for cls in (scope for scope in file.scopes if scope.is_class):
            client = _own_client(cls, reader)
            if client is not None and any(name in cls.inner for name in ("close", "aclose", "__aexit__")):
                holders[cls.name] = cls, client
    words = rf"\b(?:{'|'.join(sorted(map(re.escape, holders)))})\("
    for file in reader.tree.matching(words) if holders else ():
        for scope in (each for each in file.scopes if each.is_async):
            for node in scope.nodes:
                known = holders.get(last_name(node.func)) if isinstance(node, ast.Call) else None
                if (
                    known is None
                    or not isinstance(node, ast.Call)
                    or reader.tree.resolve(node.func, scope) is not known[0]
                ):
                    continue
                cls, client = known
                if _Life(reader, client.maker, cls).is_left(node, scope):
                    lines = (
                        MarkedLine(file.site(node, scope), "created here, and never closed"),
                        MarkedLine(cls.file.site(client.call, client.scope), "its client"),
                    )
                    yield f"`{scope.name}` leaves the {client.maker.noun} of a {cls.name} open", lines, _CLOSE


def _own_client(cls: CodeScope, reader: ValueReader) -> MadeClient | None:
    """Returns the client that every object of a class makes for itself in its constructor."""
    for name, bounds in cls.attributes.items():
        (bound, *others) = bounds
        if others or bound.scope.name != "__init__" or not isinstance(bound.value, ast.Call):
            continue
        found = reader.attribute(MadeObject(cls), name)
        if isinstance(found, MadeClient) and found.call is bound.value and found.maker.library is not None:
            return found
    return None


def _advice(maker: ClientMaker) -> str:
    close = maker.library.close if maker.library is not None else ""
    if maker.noun == "engine":
        return "end with `await engine.dispose()`, or make one engine for the whole program"
    otherwise = f", or `await {maker.noun}.{close}()` in `finally`" if close else ""
    return f"use `async with`{otherwise}, or keep one {maker.noun} for the whole program"


@dataclass(frozen=True)
class _Life:
    """Follows a client, or an object that has one, through a coroutine."""

    reader: ValueReader
    maker: ClientMaker
    cls: CodeScope | None = None

    def is_left(self, node: ast.AST, scope: CodeScope) -> bool:
        """Returns whether what a call makes is used, and neither closed nor given away."""
        outer = scope.file.parents[node]
        if isinstance(outer, ast.Await):
            node, outer = outer, scope.file.parents[outer]
        if isinstance(outer, ast.Attribute):
            call = method_call(outer, scope)
            if call is None or self._closes(call, scope):
                return False
            return is_consumed(call, scope) and self._uses(call)
        name = bound_variable(outer, scope)
        return name is not None and self._only_calls(name, scope, 0)

    def _uses(self, call: ast.Call) -> bool:
        chain = method_chain(call)
        if chain[-1] == "connect" and self.maker.library is not None and self.maker.library.role == "sdk":
            return False  # a WebSocket of its own, which `async with` closes
        return self.cls is not None or is_async_use(chain, self.maker)

    def _closes(self, call: ast.Call, scope: CodeScope) -> bool:
        """Returns whether a method closes, or is one of the tree that does."""
        name = method_chain(call)[-1]
        method = self.reader.tree.method(self.cls, name) if self.cls is not None else None
        if method is not None and method.is_async and isinstance(scope.file.parents[call], ast.Expr):
            return False  # never awaited
        if name in CLOSERS | {"__aenter__"}:
            return True
        return method is not None and any(isinstance(e, ast.Attribute) and e.attr in CLOSERS for e in method.nodes)

    def _only_calls(self, name: str, scope: CodeScope, depth: int) -> bool:
        """Returns whether code does nothing with a variable but call its methods, and none that closes."""
        used = False
        for inner in _within(scope, name):
            if inner is not scope and not _is_only_called(inner):
                return False
            for node in inner.nodes:
                if not isinstance(node, ast.Name) or node.id != name or not isinstance(node.ctx, ast.Load):
                    continue
                around = scope.file.parents[node]
                if _is_own(node, inner):
                    continue
                if isinstance(around, ast.Attribute):
                    call = method_call(around, inner)
                    if call is None or self._closes(call, inner) or not is_consumed(call, inner):
                        return False
                    used = used or self._uses(call)
                elif isinstance(around, (ast.Call, ast.keyword)):
                    if not self._lends(node, around, inner, depth):
                        return False
                    used = True
                elif not isinstance(around, (ast.Compare, ast.If, ast.UnaryOp, ast.FormattedValue)):
                    return False
        return used

    def _lends(self, node: ast.Name, around: ast.AST, scope: CodeScope, depth: int) -> bool:
        """Returns whether a variable is given to a coroutine function of the tree that only makes calls with it."""
        call = scope.file.parents[around] if isinstance(around, ast.keyword) else around
        if not isinstance(call, ast.Call) or depth > _DEPTH or not is_consumed(call, scope):
            return False
        function = self.reader.callee(call, outside_frame(scope))
        if not isinstance(function, CodeScope) or not function.is_async or call.func is node:
            return False
        own = function.parent is not None and function.parent.is_class and not is_static(function)
        names = {
            name
            for name in function.parameters
            if self.reader.argument(call, function, name, bound=own and isinstance(call.func, ast.Attribute)) is node
        }
        return len(names) == 1 and self._only_calls(names.pop(), function, depth + 1)


def _is_own(node: ast.Name, scope: CodeScope) -> bool:
    """Returns whether a variable stands in an assignment by which only its own attribute gets it."""
    value: ast.AST = node
    statement = scope.file.parents[node]
    while isinstance(statement, (ast.List, ast.Tuple, ast.Dict, ast.Set, ast.Attribute)):
        value, statement = statement, scope.file.parents[statement]
    if not isinstance(statement, ast.Assign) or (isinstance(value, ast.Attribute) and value is statement.value):
        return False
    return all(isinstance(e, ast.Attribute) and dotted(e)[:1] == [node.id] for e in statement.targets)


def _within(scope: CodeScope, name: str) -> Iterator[CodeScope]:
    """Yields a function and those inside it that see its variable."""
    yield scope
    for inner in scope.file.scopes:
        if inner.parent is not None and inner is not scope and name not in inner.names:
            around: CodeScope | None = inner.parent
            while around is not None and around is not scope:
                around = around.parent
            uses = any(isinstance(node, ast.Name) and node.id == name for node in inner.nodes)
            if around is scope and uses:
                yield inner


def _is_only_called(function: CodeScope) -> bool:
    """Returns whether an inner function is used in no other way than by calls."""
    if function.is_class or isinstance(function.node, ast.Lambda) or function.decorators() or function.parent is None:
        return False
    for node in function.parent.nodes:
        if isinstance(node, ast.Name) and node.id == function.name and isinstance(node.ctx, ast.Load):
            around = function.file.parents[node]
            if not isinstance(around, ast.Call) or around.func is not node:
                return False
    return True


RULE = CheckRule("EL002", "unclosed-client", "a coroutine makes a client and never closes it", WHY, WRONG, RIGHT, find)
