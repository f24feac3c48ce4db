"""`end-task`: a task that a coroutine function starts and forgets is cancelled and awaited there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite, free_name
from diagnostics.rewrite.edits.scope import finally_

SUMMARY: Final = "end the task where the function that started it ends: await it, or cancel it and await that"

_STARTS: Final = ("create_task", "ensure_future")
_FOREVER: Final = m.While(test=m.Name("True") | m.Integer())


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the changes where a task is started with the coroutine function that was pending.

    A task without an endless loop has work to finish, so at first it is awaited.
    """
    if context.kind != "pending-task-destroyed":
        return
    sites = [(each.get("access") or {}).get("site") or {} for each in context.findings]
    pending = {site.get("function", "").rpartition(".")[2] for site in sites} - {""}
    modules = list(context.program.modules())
    started = [found for module in modules for found in _started(module, pending)] if pending else []
    if not started:
        context.program.no(f"no statement of a coroutine function starts {' or '.join(sorted(pending))} as a task")
        return
    functions = [node for module in modules for node in module.nodes if isinstance(node, cst.FunctionDef)]
    endless = any(each.name.value in pending and m.findall(each.body, _FOREVER) for each in functions)
    for cancels in (True,) if endless else (False, True):
        changes = Rewrite(context.program)
        if all(_end(changes, *each, cancels=cancels) for each in started):
            yield changes


def _started(module: ParsedFile, pending: set[str]) -> Iterator[tuple[ParsedFile, cst.SimpleStatementLine, Any]]:
    called = m.Arg(m.Call(func=m.OneOf(*(m.Name(each) | m.Attribute(attr=m.Name(each)) for each in pending))))
    starts = [m.Name(each) | m.Attribute(attr=m.Name(each)) for each in _STARTS]
    start = m.Call(func=m.OneOf(*starts), args=[called, m.ZeroOrMore()])
    for node in module.nodes:
        if isinstance(node, cst.SimpleStatementLine) and len(node.body) == 1:
            only = node.body[0]
            if m.matches(only, m.Expr(start) | m.Assign([m.AssignTarget(m.Name())], start)):
                yield module, node, only


def _end(changes: Rewrite, module: ParsedFile, line: cst.SimpleStatementLine, only: Any, *, cancels: bool) -> bool:
    function, block = module.function(line), module.parent(line)
    if function is None or function.asynchronous is None or block is not function.body:
        return changes.no(f"{module.place(line)} starts the task in a block of its own")
    at = list(function.body.body).index(line)
    if at + 1 == len(function.body.body):
        return changes.no(f"{module.place(line)} starts the task at the end of its function")
    is_named = m.matches(only, m.Assign())
    name = module.text(only.targets[0].target) if is_named else free_name("task", module)
    given = m.Call(func=m.Attribute(value=m.Name(name), attr=m.Name("cancel")))
    if m.findall(function.body, m.Return(m.Name(name)) | m.Await(m.Name(name)) | given):
        return changes.no(f"the function of {module.place(line)} gives the task away, awaits it, or cancels it")
    if not is_named:
        changes.replace_statement(module, line, f"{name} = {module.text(only.value)}")
    calls: tuple[str, ...] = (f"await {name}",)
    if cancels:
        changes.import_(module, "import asyncio")
        calls = (f"{name}.cancel()", f"await asyncio.gather({name}, return_exceptions=True)")
    changes.change(module, function.body, partial(_wrapped, at, calls))
    return True


def _wrapped(at: int, calls: tuple[str, ...], block: Any) -> Any:
    return block.with_changes(body=[*block.body[: at + 1], finally_(calls, block.body[at + 1 :])])
