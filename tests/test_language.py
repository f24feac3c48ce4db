"""The words and the sizes of the code: unique class names, phrases that are not used, short functions and modules."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from diagnostics.cli import COMMANDS
from tests.test_floors import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PHRASES: Final = re.compile(
    r"cannot be meant|to be had|\b(?:is|are|was|were) told\b|\bit is said\b|goes on where|has the error back|"
    r"\barrangement\b|\bpatient\b|\bward\b|\bplaces\b|\b1 calls\b|closed by user|whole or not at all|\bwhoever\b",
    re.IGNORECASE,
)
FUNCTION_LINES: Final = 60
MODULE_LINES: Final = 400
COMMAND_LINES: Final = 120
"""A command is options and output."""

# Programs that are shown to users, not parts of the package.
EXAMPLES: Final = "diagnostics/explain/examples/"


def files(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> Iterator[tuple[str, Path]]:
    """The files of some folders, by name."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*") if folder else ROOT.glob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in suffixes and path.is_file() and not name.startswith(EXAMPLES):
                yield name, path


def test_phrases_outside_the_glossary_are_not_used() -> None:
    prose = files("", "diagnostics", "benchmarks", "docs", "repro", suffixes=(".py", ".md", ".j2", ".js", ".toml"))
    assert [
        f"{name}:{number}: {found[0]}"
        for name, path in prose
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for found in PHRASES.finditer(line)
    ] == []


def test_no_two_public_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for name, path in files("diagnostics"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {cls: modules for cls, modules in homes.items() if len(modules) > 1} == {}


def test_functions_and_modules_are_short() -> None:
    long: list[str] = []

    commands = {f"diagnostics/cli/{name.replace('-', '_')}.py" for name in COMMANDS}
    for name, path in files("", "benchmarks", "diagnostics", "docs", "repro", "tests", "tools"):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > (COMMAND_LINES if name in commands else MODULE_LINES):
            long.append(name)
        long += [
            f"{name}:{node.lineno}: {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES
        ]
    assert long == []
