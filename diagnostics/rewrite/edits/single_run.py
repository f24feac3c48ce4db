"""`single-run`: the runs of one block become one coroutine, which closes the client at its end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite

SUMMARY: Final = "run everything in one asyncio.run, and close the client at its end"

_RUN: Final = m.Call(func=m.Attribute(attr=m.Name("run")), args=[m.Arg(star="", keyword=None)])


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change for runs that follow each other outside functions."""
    if context.creations and all(each.is_entered for each in context.creations):
        context.program.no("each run closes what it creates already")
        return
    changes = Rewrite(context.program)
    runs = [each for each in context.loops if m.matches(each.call, _RUN)]
    modules = {each.module for each in runs}
    if len(modules) == 1 and _join(changes, modules.pop(), [each.call for each in runs], context):
        yield changes


def _join(changes: Rewrite, module: ParsedFile, runs: list[cst.Call], context: Context) -> bool:
    around = [each for run in runs for each in module.around(run)]
    if any(isinstance(each, cst.FunctionDef | cst.Lambda | cst.GeneratorExp) for each in around):
        return changes.no(f"a function starts the run of {module.place(runs[0])}, not the module")
    if len(runs) == 1 and not any(isinstance(each, cst.For | cst.While) for each in around):
        return False
    blocks = [_block_of(module, run) for run in runs]
    block = blocks[0]
    if block is None or any(each is not block for each in blocks):
        return changes.no("the runs are not in one block")
    at = [index for index, each in enumerate(block.body) if any(each in module.around(run) for run in runs)]
    first, end = min(at), max(at) + 1
    moved: Any = block.body[first:end]
    assigned = {each.value for statement in moved for each in _names(statement)}
    shared = sorted(name for name in assigned if _is_read(module, moved, {name}))
    annotated = {module.text(each.target) for line in moved for each in m.findall(line, m.AnnAssign())}  # type: ignore[attr-defined]
    if annotated & {*shared} or _taken(module, "main"):
        return changes.no("other code of the module reads what the lines between the runs declare, or is called main")
    for run in runs:
        changes.replace(module, run, f"await {module.text(run.args[0].value)}")
    library = module.text(runs[0].func)
    name = _client(context)

    def join(changed: Any) -> Any:
        started, *others = changed.body[first:end]
        rest = [started.with_changes(leading_lines=[]), *others]
        if name:
            rest = _closing(name, rest)
        if shared:
            rest = [cst.parse_statement(f"global {', '.join(shared)}"), *rest]
        main: Any = cst.parse_statement("async def main():\n    pass\n\n\n")
        main = main.with_changes(body=cst.IndentedBlock(rest), leading_lines=moved[0].leading_lines)
        start: Any = cst.parse_statement(f"{library}(main())")
        blank = [cst.EmptyLine(indent=False)] * 2 if isinstance(changed, cst.Module) else [cst.EmptyLine(indent=False)]
        start = start.with_changes(leading_lines=blank)
        return changed.with_changes(body=[*changed.body[:first], main, start, *changed.body[end:]])

    changes.change(module, block, join)
    return True


def _block_of(module: ParsedFile, run: cst.Call) -> cst.Module | cst.IndentedBlock | None:
    """Returns the module, or the block of `if __name__ == "__main__"`."""
    for each in module.around(run):
        if isinstance(each, cst.IndentedBlock):
            parent = module.parent(each)
            if isinstance(parent, cst.If) and "__name__" in module.text(parent.test):
                return each
        if isinstance(each, cst.Module):
            return each
    return None


def _names(statement: cst.CSTNode) -> Iterator[cst.Name]:
    targets = m.findall(
        statement, m.AssignTarget() | m.AnnAssign() | m.AugAssign() | m.NamedExpr() | m.For() | m.AsName()
    )
    for each in targets:
        target = getattr(each, "target", None) or getattr(each, "name", None)
        if target is not None:
            yield from (name for name in m.findall(target, m.Name()) if isinstance(name, cst.Name))


def _is_read(module: ParsedFile, moved: Any, names: set[str]) -> bool:
    """Returns whether code outside the statements reads what they assign."""
    return any(
        isinstance(node, cst.Name)
        and node.value in names
        and not any(each in moved for each in module.around(node))
        and (module.function(node) is None or not _is_own(module.function(node), node.value))
        for node in module.nodes
    )


def _is_own(function: cst.FunctionDef | None, name: str) -> bool:
    """Returns whether a name is a parameter or a local variable of a function."""
    if function is None:
        return False
    return bool(m.findall(function.params, m.Param(name=m.Name(name)))) or name in {
        each.value for each in _names(function.body)
    }


def _taken(module: ParsedFile, name: str) -> bool:
    return any(isinstance(node, cst.Name) and node.value == name for node in module.nodes)


def _client(context: Context) -> str:
    """Returns the variable that holds the client, of the module or of the runs."""
    for finding in context.findings:
        held = ((finding.get("client") or {}).get("held_by") or {}).get("name") or ""
        closer = (finding.get("client") or {}).get("closer") or ""
        if held.isidentifier() and closer.startswith("async with"):
            return str(held)
    return ""


def _closing(name: str, rest: list[Any]) -> list[Any]:
    """Returns statements that close a variable; those that assign it stay before."""
    made = next((index for index, each in enumerate(rest) if name in {found.value for found in _names(each)}), -1)
    head: Any = cst.parse_statement(f"async with {name}:\n    pass\n")
    inner = head.with_changes(body=cst.IndentedBlock(rest[made + 1 :]))
    return [*rest[: made + 1], inner]
