"""`task-left-pending`: a run leaves a task that never ends, and its loop closes without a word to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.runs import reach
from diagnostics.rewrite.rules.engine.source_file import CodeScope
from diagnostics.rewrite.rules.engine.starts import NEW_LOOP, starting
from diagnostics.rewrite.rules.engine.values import ScopeFrame, ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
`run_until_complete` ends with the coroutine that it is given, and `loop.close()` cancels nothing: the task and what
it holds are destroyed while it is pending, and its `finally` does not run. Reported for a coroutine that loops
forever, in a task that nothing cancels, awaits or passes on. `asyncio.run` cancels what is left, and is not
reported."""

WRONG = """\
import asyncio


async def heartbeat(send):
    while True:
        await send("alive")
        await asyncio.sleep(60)


async def work(send):
    beat = asyncio.create_task(heartbeat(send))
    await send("work")


def main(send):
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(work(send))
    finally:
        loop.close()
"""

RIGHT = """\
import asyncio


async def heartbeat(send):
    while True:
        await send("alive")
        await asyncio.sleep(60)


async def work(send):
    beat = asyncio.create_task(heartbeat(send))
    try:
        await send("work")
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)


def main(send):
    asyncio.run(work(send))
"""


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each task without an end that a run leaves."""
    seen = set[ast.AST]()
    for scope, run in starting(reader):
        if run.how != NEW_LOOP or not _closes(run.within or scope):
            continue
        for call, frame in reach(run, reader).started:
            argument = call.args[0] if call.args else None
            body = reader.callee(argument, frame) if isinstance(argument, ast.Call) else None
            if call in seen or not isinstance(body, CodeScope) or not _is_endless(body):
                continue
            seen.add(call)
            if _is_left(call, frame, reader):
                lines = (
                    MarkedLine(frame.scope.file.site(call, frame.scope), "started here, and never cancelled"),
                    MarkedLine(body.file.site(body.node, body.parent), "never ends"),
                    MarkedLine(scope.file.site(run.node, scope), "this loop closes while the task is pending"),
                )
                advice = "cancel and await the task before the run ends, or use `asyncio.run`, which cancels it"
                yield f"a run leaves a task of `{body.name}` pending", lines, advice


def _closes(scope: CodeScope) -> bool:
    """Returns whether a function closes its loop, and neither goes on with it nor looks after its tasks."""
    names = {node.attr for node in scope.nodes if isinstance(node, ast.Attribute)}
    return "close" in names and not names & {"run_forever", "cancel"} and "all_tasks" not in scope.file.text


def _is_endless(body: CodeScope) -> bool:
    """Returns whether a coroutine function has no way out of a loop but an exception."""
    if not body.is_async or any(isinstance(each, (ast.Return, ast.Break, ast.Raise)) for each in body.nodes):
        return False
    loops = (each for each in getattr(body.node, "body", ()) if isinstance(each, ast.While))
    return any(isinstance(each.test, ast.Constant) and bool(each.test.value) for each in loops)


def _is_left(call: ast.Call, frame: ScopeFrame, reader: ValueReader) -> bool:
    """Returns whether nothing can reach a task after it was made."""
    file = frame.scope.file
    around = file.parents[call]
    if isinstance(around, ast.Expr):
        return True
    target = around.targets[0] if isinstance(around, ast.Assign) and len(around.targets) == 1 else None
    if isinstance(target, ast.Name) and target.id not in frame.scope.outer:
        node = frame.scope.node
        first, last = (int(getattr(node, name, None) or 0) for name in ("lineno", "end_lineno"))
        return len(re.findall(rf"\b{target.id}\b", "\n".join(file.lines[first - 1 : last]))) == 1
    if isinstance(target, ast.Attribute):
        word = rf"\b{target.attr}\b"
        return sum(len(re.findall(word, each.text)) for each in reader.tree.matching(word, callers=True)) == 1
    return False


RULE = CheckRule("EL014", "task-left-pending", "a loop closes over a task that never ends", WHY, WRONG, RIGHT, find)
