"""`close-stream`: a streamed answer is closed where the program stops reading it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite, free_name, last_name

SUMMARY: Final = "close the stream where you stop reading it"


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for each stream that is left."""
    if context.kind != "abandoned-stream":
        return
    code = next(iter(context.codes), "")
    closer = re.search(r"await stream\.(\w+)\(\)", code)
    streams = [each for each in context.advised if isinstance(each.value, cst.Await)]
    readers = _readers(context)
    # A generator that is left runs nothing of its own until it is closed.
    for closed, left in (
        ((streams, readers), (streams, []), ([], readers)) if streams and readers else [(streams, readers)]
    ):
        changes = Rewrite(context.program)
        for module, loop in left:
            _aclose(changes, module, loop)
        if all(_close(changes, each, closer[1] if closer else "") for each in closed) and changes:
            yield changes


def _readers(context: Context) -> list[tuple[ParsedFile, cst.For]]:
    """Returns the loops that may leave a generator in which the stream is read."""
    makers = [each.module.function(each.call) for each in context.advised]
    names = {each.name.value for each in makers if each is not None and _is_generator(each)}
    return [
        (module, node)
        for module in (context.program.modules() if names else ())
        for node in module.nodes
        if isinstance(node, cst.For) and _leaves(node, names)
    ]


def _is_generator(function: cst.FunctionDef) -> bool:
    return function.asynchronous is not None and bool(m.findall(function.body, m.Yield()))


def _leaves(loop: cst.For, names: set[str]) -> bool:
    """Returns whether a loop may stop reading one of some generators before its end."""
    read = isinstance(loop.iter, cst.Call) and last_name(loop.iter.func) in names
    return read and loop.asynchronous is not None and bool(m.findall(loop.body, m.Return() | m.Break()))


def _aclose(changes: Rewrite, module: ParsedFile, loop: cst.For) -> None:
    """Closes a generator, and with it the stream that it has entered, where a loop stops reading it."""
    changes.import_(module, "from contextlib import aclosing")
    name = free_name("parts", module)
    head: Any = cst.parse_statement(f"async with aclosing({module.text(loop.iter)}) as {name}:\n    pass\n")

    def wrap(changed: Any) -> Any:
        inner = changed.with_changes(iter=cst.Name(name), leading_lines=[])
        return head.with_changes(body=cst.IndentedBlock([inner]), leading_lines=changed.leading_lines)

    changes.change(module, loop, wrap)


def _close(changes: Rewrite, stream: Creation, closer: str) -> bool:
    module = stream.module
    statement = next((each for each in module.around(stream.value) if _is_statement(module, each)), None)
    block = module.parent(statement) if statement is not None else None
    if not isinstance(block, cst.IndentedBlock) or module.coroutine(stream.call) is None:
        return changes.no(f"{module.place(stream.value)} is no statement of a coroutine function")
    is_assigned = stream.statement is statement and bool(stream.name)
    name = stream.name if is_assigned else free_name("stream", module)
    at = [each is statement for each in block.body].index(True)
    readers = [index for index, each in enumerate(block.body) if index > at and m.findall(each, m.Name(name))]
    is_loop = isinstance(statement, cst.For)
    end = max(readers, default=at) + 1 if is_assigned else at + 1 if is_loop else len(block.body)
    if is_assigned and end == at + 1:
        return changes.no(f"the stream of {module.place(stream.value)} is read outside its block")
    if not is_assigned:
        changes.replace(module, stream.value, name)

    def wrap(changed: Any) -> Any:
        made, rest = changed.body[at], list(changed.body[at + is_assigned : end])
        text = module.text(stream.value)
        entered, closed = f"async with {text} as {name}:", f"try:\n    pass\nfinally:\n    await {name}.{closer}()\n"
        head: Any = cst.parse_statement(closed if closer else f"{entered}\n    pass\n")
        inner = head.with_changes(body=cst.IndentedBlock(rest))
        first = [] if not closer else [made if is_assigned else cst.parse_statement(f"{name} = {text}")]
        if not closer:
            inner = inner.with_changes(leading_lines=made.leading_lines)
        return changed.with_changes(body=[*changed.body[:at], *first, inner, *changed.body[end:]])

    changes.change(module, block, wrap)
    return True


def _is_statement(module: ParsedFile, node: cst.CSTNode) -> bool:
    return isinstance(module.parent(node), cst.IndentedBlock)
