"""`matched-message`: a handler recognises the error by its text, and tries again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.source_file import LOOPS, CodeScope
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The text is that of one of many symptoms: the same mistake also hangs, sends requests twice, or leaks. The second
try goes out with the same client, or leaves the first one open. Reported where the handler calls something again or
a loop does; one that raises, logs or ignores is not."""

WRONG = """\
import asyncio


def ask(client, question):
    try:
        return asyncio.run(client.ask(question))
    except RuntimeError as error:
        if "Event loop is closed" not in str(error):
            raise
        return asyncio.run(client.ask(question))
"""

RIGHT = """\
import asyncio


async def ask_all(connect, questions):
    async with connect() as client:
        return [await client.ask(question) for question in questions]


def ask(connect, questions):
    return asyncio.run(ask_all(connect, questions))
"""

_TEXT: Final = re.compile(
    r"event loop is closed|attached to a different (event )?loop|bound to a different (event )?loop", re.IGNORECASE
)
_POSITIVE: Final = (ast.In, ast.Eq)
_AGAIN: Final = re.compile(r"retry|again|reset|recreate|refresh|reconnect|rebuild|renew|run_until_complete")


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each test of an error's text after which the call is made again."""
    for file in reader.tree.matching(f"(?i){_TEXT.pattern}"):
        for scope in file.scopes:
            for node in scope.nodes:
                text = _text(node) if isinstance(node, ast.Compare) else None
                again = _again(node, scope) if isinstance(node, ast.Compare) and text is not None else None
                if again is not None:
                    lines = [MarkedLine(file.site(node, scope), "recognises one symptom by its text")]
                    lines += [MarkedLine(file.site(again, scope), "tries again")] if again is not node else []
                    advice = "remove the cause: use the client on the loop that it is made on, and close it there"
                    yield f"a call is made again because an error says {text!r}", tuple(lines), advice


def _text(node: ast.Compare) -> str | None:
    """Returns the text of the error that a comparison looks for."""
    if not isinstance(node.ops[0], (*_POSITIVE, ast.NotIn, ast.NotEq)):
        return None
    for each in (node.left, *node.comparators):
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and _TEXT.search(each.value):
            return each.value
    return None


def _again(test: ast.Compare, scope: CodeScope) -> ast.AST | None:
    """Returns what tries again after a test in a handler; `None` where nothing does."""
    above = scope.file.above(test)
    handler = next((each for each in above if isinstance(each, ast.ExceptHandler)), None)
    branch = next((each for each in above if isinstance(each, ast.If)), None)
    if handler is None or branch is None or not any(part is test for part in ast.walk(branch.test)):
        return None
    positive = isinstance(test.ops[0], _POSITIVE)
    taken = branch.body if positive else [*branch.orelse, *_after(branch, handler)]
    tried = scope.file.parents[handler]
    names = _calls(tried.body) if isinstance(tried, ast.Try) else {}
    for statement in taken:
        for node in ast.walk(statement):
            if isinstance(node, ast.Raise):
                return None
            if isinstance(node, ast.Continue):
                return node
            if isinstance(node, ast.Call) and (_name(node) in names or _AGAIN.search(_name(node))):
                return node
    in_loop = any(isinstance(each, LOOPS) for each in above[above.index(handler) :])
    if not in_loop or any(isinstance(each, (ast.Return, ast.Break)) for each in taken):
        return None
    if positive:
        return test if _waits(taken) else None
    leaves = isinstance(tried, ast.Try) and isinstance(tried.body[-1], (ast.Return, ast.Break))
    return test if leaves and isinstance(branch.body[-1], ast.Raise) else None


def _waits(statements: Sequence[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Call) and _name(node) == "sleep" for each in statements for node in ast.walk(each))


def _after(branch: ast.If, handler: ast.ExceptHandler) -> list[ast.stmt]:
    return handler.body[handler.body.index(branch) + 1 :] if branch in handler.body else []


def _calls(statements: Sequence[ast.stmt]) -> dict[str, ast.Call]:
    found = (node for each in statements for node in ast.walk(each) if isinstance(node, ast.Call))
    return {name: node for node in found if (name := _name(node)) and name not in ("str", "print", "len")}


def _name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


RULE = CheckRule(
    "EL008", "matched-message", "a call is made again because of the error's text", WHY, WRONG, RIGHT, find
)
