"""`abandoned-stream`: a loop over a streamed answer is left early, and nothing closes the stream."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.clients import CLOSERS
from diagnostics.rewrite.rules.engine.source_file import CodeScope
from diagnostics.rewrite.rules.engine.starts import last_name
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The connection stays taken until the garbage collector finds the stream, perhaps on another loop. Reported for a
call with `stream=True` whose `async for` is left by `break` or `return`, or of which a function takes one item with
`anext`, where no `async with` and no `close` is around."""

WRONG = """\
from openai import AsyncOpenAI


async def first_words(client: AsyncOpenAI, question):
    words = []
    async for event in await client.responses.create(model="gpt-5", input=question, stream=True):
        words.append(event)
        if len(words) == 3:
            break
    return words
"""

RIGHT = """\
from openai import AsyncOpenAI


async def first_words(client: AsyncOpenAI, question):
    words = []
    async with await client.responses.create(model="gpt-5", input=question, stream=True) as events:
        async for event in events:
            words.append(event)
            if len(words) == 3:
                break
    return words
"""

_STREAMS: Final = frozenset({"generate_content_stream", "send_message_stream", "stream_async"})


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each stream that a function leaves open."""
    for file in reader.tree.matching(r"stream\s*=\s*True|_stream\(|stream_async\("):
        for scope in file.scopes:
            for node in scope.nodes if scope.is_async else ():
                if isinstance(node, ast.Call) and _is_stream(node):
                    left = _left(node, scope)
                    if left is not None:
                        lines = (
                            MarkedLine(file.site(node, scope), "opens a stream"),
                            MarkedLine(file.site(left, scope), "leaves it open"),
                        )
                        advice = "read the stream inside `async with`, or close it in `finally`"
                        yield "a stream is left before its end and not closed", lines, advice


def _is_stream(node: ast.Call) -> bool:
    given = {each.arg: each.value for each in node.keywords}
    asked = given.get("stream")
    return (isinstance(asked, ast.Constant) and asked.value is True) or last_name(node.func) in _STREAMS


def _left(node: ast.Call, scope: CodeScope) -> ast.AST | None:
    """Returns where a stream is left; `None` where it is read to its end, closed or passed on."""
    parents = scope.file.parents
    if not isinstance(parents[node], ast.Await):
        return None
    value = parents[node]
    outer = parents[value]
    if isinstance(outer, ast.AsyncFor) and outer.iter is value:
        return _exit(outer, scope)
    if not isinstance(outer, ast.Assign) or len(outer.targets) != 1 or not isinstance(outer.targets[0], ast.Name):
        return None
    name = outer.targets[0].id
    found: ast.AST | None = None
    uses = [each for each in scope.nodes if isinstance(each, ast.Name) and each.id == name and each.lineno > 0]
    for use in uses:
        around = parents[use]
        if isinstance(around, ast.AsyncFor) and around.iter is use:
            found = found or _exit(around, scope)
        elif isinstance(around, ast.Attribute) and around.attr.startswith("aiter_"):
            loop = parents[parents[around]]
            found = found or (_exit(loop, scope) if isinstance(loop, ast.AsyncFor) else None)
        elif isinstance(around, ast.Call) and last_name(around.func) == "anext":
            found = found or around
        elif isinstance(around, ast.Attribute) and not isinstance(parents[around], ast.Call):
            continue
        elif isinstance(use.ctx, ast.Load) and not isinstance(around, (ast.Compare, ast.If, ast.UnaryOp)):
            return None
    closes = any(isinstance(each, ast.Attribute) and each.attr in CLOSERS for each in scope.nodes)
    taken = any(bound.node is not outer for bound in scope.names.get(name, ()))
    read = any(isinstance(parents[use], ast.AsyncFor) for use in uses)
    if isinstance(found, ast.Call) and read:
        return None
    return None if closes or taken else found


def _exit(loop: ast.AsyncFor, scope: CodeScope) -> ast.AST | None:
    """Returns the `break` or `return` that leaves a loop; `None` without one, or where something is closed."""
    if any(isinstance(each, ast.Attribute) and each.attr in CLOSERS for each in scope.nodes):
        return None
    for node in scope.nodes:
        if isinstance(node, (ast.Break, ast.Return)):
            above = scope.file.above(node)
            if loop not in above:
                continue
            inner = [
                each for each in above[: above.index(loop)] if isinstance(each, (ast.For, ast.While, ast.AsyncFor))
            ]
            if isinstance(node, ast.Return) or not inner:
                return node
    return None


RULE = CheckRule("EL009", "abandoned-stream", "a stream is left before its end and not closed", WHY, WRONG, RIGHT, find)
