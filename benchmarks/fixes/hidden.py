"""The hidden tests: whether a changed program still does what it was written for."""

from __future__ import annotations

import ast
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.fixes.corpus import Program
from benchmarks.fixes.surroundings import Ended, Surroundings

_NOISE = re.compile(
    r"Traceback|never awaited|never retrieved|was destroyed but|Unclosed|ResourceWarning|Exception ignored"
)


def problems(program: Program, folder: Path, around: Surroundings) -> list[str]:
    """Runs the hidden test of a program that may have been changed; returns what is wrong, one line each."""
    test = program.test
    usual = {"output": test.output, "requests": test.requests}
    found: list[str] = []
    for number, expected in enumerate((usual, *test.again)):
        case = f"{program.name}-{number}"
        ended = around.run(program, folder, case, expected.get("arguments", ()))
        found += _run(ended, expected, around.service.taken(case), unordered=test.unordered)
    for name in test.names:
        found += [f"{name} cannot be called as before"] if not can_be_called(name, folder) else []
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in test.scripts.items():
            path = Path(scratch, name)
            path.write_text(text, encoding="utf-8")
            ended = around.script(program, folder, f"{program.name}-{path.stem}", path)
            if ended.status != 0:
                found.append(f"{name}: {_last(ended.errors)}")
    return found


def _run(ended: Ended, expected: Mapping[str, Any], requests: list[str], *, unordered: bool) -> Iterator[str]:
    if ended.status != 0:
        yield f"status {ended.status}: {_last(ended.errors)}"
    if _NOISE.search(ended.errors):
        yield f"standard error has {_last(ended.errors)}"
    lines, wanted = ended.output.splitlines(), expected.get("output", ())
    if not _same(lines, wanted, unordered=unordered):
        yield f"output {lines}, not {list(wanted)}"
    asked = expected.get("requests", ())
    if not _same(requests, asked, unordered=unordered):
        yield f"requests {requests}, not {list(asked)}"


def _same(lines: Sequence[str], wanted: Sequence[str], *, unordered: bool) -> bool:
    whole = [line for line in wanted if not line.startswith("~")]
    partial = [line[1:] for line in wanted if line.startswith("~")]
    if partial:  # of a test runner, whose other lines differ from run to run
        return all(any(part in line for line in lines) for part in partial) and {*whole} <= {*lines}
    return sorted(lines) == sorted(whole) if unordered else [*lines] == whole


def _last(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no message")[:200]


def can_be_called(name: str, folder: Path) -> bool:
    """Whether a function has the parameters of before, in their order, and needs no other one."""
    found = re.fullmatch(r"(async )?([\w.]+)\((.*)\)", name)
    assert found, name
    module, *path = found[2].split(".")
    tree: Any = ast.parse((folder / f"{module}.py").read_text(encoding="utf-8"))
    for word in path:
        tree = next((each for each in tree.body if getattr(each, "name", "") == word), None)
        if tree is None:
            return False
    if not isinstance(tree, ast.AsyncFunctionDef if found[1] else ast.FunctionDef):
        return False
    before = [each.strip() for each in found[3].split(",") if each.strip()]
    names = [each.arg for each in (*tree.args.posonlyargs, *tree.args.args)]
    needed = len(names) - len(tree.args.defaults)
    only = sum(default is None for default in tree.args.kw_defaults)
    return names[: len(before)] == before and needed <= len(before) and not only
