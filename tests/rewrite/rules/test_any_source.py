"""Whatever Python there is: no rule raises, and every line that an alert shows is in its file."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.rewrite.rules import RULES
from diagnostics.rewrite.rules.checking import alerts
from diagnostics.rewrite.rules.engine.source_file import parse
from diagnostics.rewrite.rules.engine.tree import SourceTree

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = [ast.parse(text) for rule in RULES for text in (rule.wrong, rule.right)]
STATEMENTS = sorted({ast.unparse(node) for tree in EXAMPLES for node in ast.walk(tree) if isinstance(node, ast.stmt)})
STATEMENTS += [
    "del client",
    "global client",
    "class A(B): client = A()",
    "é = '…'; client = é",
    "client, other = other, client",
]


HEADS = ["", "", "def f(client):", "async def f():", "for client in x:", "if client:", "with y:"]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Statements of all examples in any order and nesting."""
    lines: list[str] = []
    depth = 0
    for statement in draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=12)):
        head = draw(
            st.sampled_from(["", "", "def f(client):", "async def f():", "for client in x:", "if client:", "with y:"])
        )
        if head:
            lines.append("    " * depth + head)
            depth += 1
        lines += ["    " * depth + line for line in statement.splitlines()]
        depth -= draw(st.integers(0, depth))
    return "\n".join(lines) + "\n"


@settings(suppress_health_check=[*HealthCheck], max_examples=60, derandomize=True)
@given(programs())
def test_no_rule_raises_and_lines_are_in_the_file(tmp_path: Path, text: str) -> None:
    try:
        ast.parse(text)
    except SyntaxError:
        return
    path = tmp_path / "app.py"
    path.write_text(text, encoding="utf-8")
    lines = text.splitlines()
    for alert in alerts(SourceTree([str(path)]), RULES):
        for marked in alert.lines:
            site = marked.site
            assert site.column is not None
            assert lines[site.line - 1].strip() == site.code
            assert 0 <= site.column <= (site.end_column or site.column) <= len(lines[site.line - 1])


def test_columns_count_characters_and_deep_code_is_read() -> None:
    file = parse("app.py", "app", "é = ('ü', client())\n" + "x = " + "+".join("a" * 300) + "\n")
    (call,) = (node for node in file.body.nodes if isinstance(node, ast.Call))
    assert file.site(call).column == 10
