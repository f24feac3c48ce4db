"""`close-skipped`: a coroutine closes its client, but an exception or an early return goes past that."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.clients import CLOSERS, ClientMaker, client_maker, is_async_use
from diagnostics.rewrite.rules.engine.local_uses import bound_variable, is_consumed, method_call, method_chain
from diagnostics.rewrite.rules.engine.source_file import FUNCTIONS, CodeScope
from diagnostics.rewrite.rules.engine.starts import starting
from diagnostics.rewrite.rules.engine.suites import is_mocked
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The connections of a call that failed, or of an answer that was enough, stay open until the garbage collector finds
them, perhaps on another loop. Reported where the client has answered before, or its library raises for an answer
that is an error. A coroutine that a script runs directly is not reported: its error ends the program."""

WRONG = """\
from openai import AsyncOpenAI


async def ask(question):
    client = AsyncOpenAI()
    answer = await client.responses.create(model="gpt-5", input=question)
    await client.close()
    return answer.output_text
"""

RIGHT = """\
from openai import AsyncOpenAI


async def ask(question):
    async with AsyncOpenAI() as client:
        answer = await client.responses.create(model="gpt-5", input=question)
        return answer.output_text
"""

_LEAVES: Final = (ast.Raise, ast.Return)
_HTTP: Final = frozenset({"httpx", "httpx2", "aiohttp"})
"""Libraries that return an answer that is an error."""


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client whose close may be skipped."""
    direct = {
        root.func.id
        for _, run in starting(reader)
        for root in run.roots
        if isinstance(root, ast.Call) and isinstance(root.func, ast.Name)
    }
    for file in reader.tree.matching(r"\.(?:aclose|close|dispose|disconnect)\("):
        for scope in file.scopes if not is_mocked(file) else ():
            if not scope.is_async or scope.name in direct or scope.name == "main":
                continue
            for node in scope.nodes:
                maker = client_maker(node, scope, reader.tree) if isinstance(node, ast.Call) else None
                if maker is None or maker.library is None or not isinstance(node, ast.Call):
                    continue
                skipped = _skipped(node, maker, scope)
                if skipped is not None:
                    past, close = skipped
                    how = (
                        "ends here without closing it" if isinstance(past, _LEAVES) else "an error here skips the close"
                    )
                    lines = (
                        MarkedLine(file.site(node, scope), "created here"),
                        MarkedLine(file.site(past, scope), how),
                        MarkedLine(file.site(close, scope), "closed only here"),
                    )
                    advice = f"use `async with`, or close the {maker.noun} in `finally`"
                    yield f"`{scope.name}` closes its {maker.title} only if nothing goes wrong", lines, advice


def _skipped(made: ast.Call, maker: ClientMaker, scope: CodeScope) -> tuple[ast.AST, ast.AST] | None:
    """Returns what goes past the close of a client, and the close."""
    outer = scope.file.parents[made]
    outer = scope.file.parents[outer] if isinstance(outer, ast.Await) else outer
    name = bound_variable(outer, scope)
    uses = _calls(name, scope) if name is not None else []
    closes = [each for each in uses if method_chain(each)[-1] in CLOSERS]
    used = [each for each in uses if each not in closes and is_async_use(method_chain(each), maker)]
    if len(closes) != 1 or not used or _is_safe(made, closes[0], outer, scope):
        return None
    (close,) = closes
    before = [each for each in used if each.lineno < close.lineno]
    first = min((each.lineno for each in before), default=close.lineno)
    past = [each for each in before if _raises_itself(made, maker) or each.lineno > first]
    past += [e for e in scope.nodes if isinstance(e, ast.Call) and _raises(e) and first <= e.lineno < close.lineno]
    left: list[ast.AST] = [e for e in scope.nodes if isinstance(e, _LEAVES) and first < e.lineno < close.lineno]
    for each in sorted([*left, *past], key=lambda node: int(getattr(node, "lineno", 0))):
        if not _is_caught(each, scope):
            return each, close
    return None


def _calls(name: str, scope: CodeScope) -> list[ast.Call]:
    """Returns the calls of a client's methods; none if it is used in any other way."""
    found: list[ast.Call] = []
    for each in scope.file.scopes:
        for node in each.nodes:
            if not isinstance(node, ast.Name) or node.id != name or not isinstance(node.ctx, ast.Load):
                continue
            if each is not scope:
                if each.parent is scope:
                    return []
                continue
            around = scope.file.parents[node]
            call = method_call(around, scope) if isinstance(around, ast.Attribute) else None
            if call is None or not is_consumed(call, scope):
                return []
            found.append(call)
    return found


def _is_safe(made: ast.Call, close: ast.Call, outer: ast.AST, scope: CodeScope) -> bool:
    """Returns whether a close is not one that follows the calls in their own block or one around it."""
    parents = scope.file.parents
    statement = parents[close]
    while not isinstance(statement, ast.stmt):
        statement = parents[statement]
    if parents[statement] is not parents[outer] or close.lineno < made.lineno:
        return True
    block = [getattr(parents[outer], each, None) for each in ("body", "orelse", "handlers", "finalbody")]
    return not any(isinstance(each, list) and outer in each and statement in each for each in block)


def _raises(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "raise_for_status"


def _raises_itself(made: ast.Call, maker: ClientMaker) -> bool:
    """Returns whether a call of the client raises for an answer that is an error."""
    library = maker.library.module if maker.library is not None else ""
    return library not in _HTTP or any(each.arg == "raise_for_status" for each in made.keywords)


def _is_caught(node: ast.AST, scope: CodeScope) -> bool:
    """Returns whether an error may be caught in the coroutine, or cannot come about."""
    child = node
    around = scope.file.parents.get(node)
    while around is not None and not isinstance(around, FUNCTIONS):
        if (
            isinstance(around, ast.Try)
            and not isinstance(node, ast.Return)
            and child in around.body
            and around.handlers
        ):
            return True
        if isinstance(around, (ast.With, ast.AsyncWith)) and "suppress" in ast.dump(around.items[0].context_expr):
            return True
        child, around = around, scope.file.parents.get(around)
    return False


RULE = CheckRule(
    "EL012", "close-skipped", "an error or an early return skips the close of a client", WHY, WRONG, RIGHT, find
)
