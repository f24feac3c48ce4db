"""`explicit-close`: a client is closed on the loop that the program makes by hand, before that is closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.closing import closing_call, on
from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite
from diagnostics.rewrite.edits.scope import is_shared

SUMMARY: Final = "close the client on its loop, before the program closes that"

_CLOSE: Final = m.SimpleStatementLine(body=[m.Expr(m.Call(func=m.Attribute(attr=m.Name("close")), args=[]))])


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the closing calls, if each statement that closes a loop can name the clients of that loop."""
    if context.kind != "client-left-open":
        return
    changes = Rewrite(context.program)
    ends = _ends(context)
    lines: dict[cst.SimpleStatementLine, list[str]] = {}
    for module, statement in ends:
        loop = module.text(statement.body[0].value.func.value)
        for chain in context.chains:
            if is_shared(context, chain[0]):  # it closes what it keeps where a loop ends its generators
                lines.setdefault(statement, []).append(_run(loop, f"await {loop}.shutdown_asyncgens()"))
                continue
            name = next(_names(chain, module, statement), "")
            if not name:
                changes.no(f"{module.place(statement)} closes the loop where no variable holds the client")
                return
            calls = [on(name, each) for each in closing_call(chain[0], context).split("; ")]
            lines.setdefault(statement, []).extend(_run(loop, each) for each in calls)
    for module, statement in ends:
        _insert(changes, module, statement, list(dict.fromkeys(lines.get(statement, []))))
    if changes:
        yield changes


def _ends(context: Context) -> list[tuple[ParsedFile, Any]]:
    """Returns the statements that consist of closing a loop of the root cause."""
    found = {}
    for site in ((each.get("loop") or {}).get("closed_at") for each in context.findings):
        module = context.program.at(site)
        for statement in module.statements(site) if module is not None and site is not None else ():
            if module is not None and m.matches(statement, _CLOSE):
                found[statement] = (module, statement)
    return list(found.values())


def _names(chain: list[Creation], module: ParsedFile, statement: cst.CSTNode) -> Iterator[str]:
    """Yields the expressions that are the client where a statement stands."""
    made = chain[0]
    if made.attribute and made.module is module and module.class_around(made.call) is module.class_around(statement):
        yield f"self.{made.attribute}"
    for place in chain if made.name or made.attribute else ():
        is_seen = place.module is module and module.function(place.call) in (None, module.function(statement))
        if place.name and is_seen and module.class_around(place.call) is None:
            yield place.name if place is made else f"{place.name}.{made.attribute}"
        if not made.attribute:
            return


def _run(loop: str, call: str) -> str:
    return f"{loop}.run_until_complete({call.removeprefix('await ')})" if call.startswith("await ") else call


def _insert(changes: Rewrite, module: ParsedFile, statement: Any, lines: list[str]) -> None:
    if not lines:
        return
    first, *more = (cst.parse_statement(each, config=module.tree.config_for_parsing) for each in lines)

    def insert(each: Any) -> Any:
        moved = [first.with_changes(leading_lines=each.leading_lines), *more]
        return cst.FlattenSentinel([*moved, each.with_changes(leading_lines=[])])

    changes.change(module, statement, insert)
