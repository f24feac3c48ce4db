"""`async-fixture`: a pytest fixture makes its client on the loop of the test, and closes it there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite
from diagnostics.rewrite.edits.scope import closes

SUMMARY: Final = "create the client in an async fixture of the test's loop, and close it there"

_FIXTURE: Final = m.Attribute(attr=m.Name("fixture")) | m.Name("fixture")


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for clients that fixtures return."""
    changes = Rewrite(context.program)
    if context.creations and all(_yielded(changes, place) for place in context.creations):
        yield changes


def _yielded(changes: Rewrite, place: Creation) -> bool:
    module = place.module
    function = module.function(place.call)
    if function is None or place.closer != "async with" or place.statement is None:
        return False
    decorators = [each for each in function.decorators if _is_fixture(each)]
    if len(decorators) != 1 or not yield_entered(changes, place, function):
        return False
    changes.change(module, decorators[0], lambda each: each.with_changes(decorator=_decorator(changes, module)))
    return True


def yield_entered(changes: Rewrite, place: Creation, function: cst.FunctionDef) -> bool:
    """Lets a function that returns a client enter and yield it instead; returns whether it does nothing else."""
    module = place.module
    more = f"{function.name.value} at {module.place(function)} does more than create and return the client"
    if place.statement is None:
        return changes.no(more)
    block = module.parent(place.statement)
    if not isinstance(block, cst.IndentedBlock) or block is not function.body:
        return changes.no(more)
    at = list(block.body).index(place.statement)
    name = place.name or "client"
    rest = [each for each in block.body[at + 1 :] if not closes(each, name)]
    if place.target is not None and not (
        len(rest) == 1 and m.matches(rest[0], m.SimpleStatementLine(body=[_giving(name)]))
    ):
        return changes.no(more)
    lines = f"async with {module.text(place.value)} as {name}:{place.comment}\n    yield {name}\n"
    entered = cst.parse_statement(lines).with_changes(leading_lines=place.statement.leading_lines)
    changes.change(
        module,
        block,
        lambda changed: changed.with_changes(body=[*changed.body[:at], entered]),
    )
    changes.change(module, function, lambda each: each.with_changes(asynchronous=cst.Asynchronous(), returns=None))
    return True


def _giving(name: str) -> Any:
    return m.Return(m.Name(name)) | m.Expr(m.Yield(m.Name(name)))


def _is_fixture(decorator: cst.Decorator) -> bool:
    node = decorator.decorator
    return m.matches(node.func if isinstance(node, cst.Call) else node, _FIXTURE)


def _decorator(changes: Rewrite, module: ParsedFile) -> cst.BaseExpression:
    """Returns the decorator of an async fixture with the scope of a test, for the runner that the tests have."""
    texts = [each.tree.code for each in changes.program.modules()]
    if any("mark.anyio" in text for text in texts):
        return cst.parse_expression("pytest.fixture")
    changes.import_(module, "import pytest_asyncio")
    return cst.parse_expression("pytest_asyncio.fixture")
