"""How a person closes a client by a call, which `async with` does by itself."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from diagnostics.model.libraries import LIBRARIES
from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.records import CLOSERS

_INSTALLED: Final = re.compile(r'"([^"]*?site-packages)(?=/|\\)')
MOST_FILES: Final = 400
"""Files of a package that are looked through for a class."""


def closing_call(place: Creation, context: Context) -> str:
    """Returns the call: of the library's row, of a method that the class has, or what `async with` calls."""
    if place.closer != "async with":
        return place.closer
    client = next((each["client"] for each in context.findings if each.get("client")), {"type": ""})
    package, _, name = client["type"].partition(".")
    known = next((each.close for each in LIBRARIES.values() if each.module.partition(".")[0] == package), "")
    return f"await {known}()" if known else _of_class(context, package, name.rpartition(".")[2])


def on(name: str, call: str) -> str:
    """Returns a closing call, such as `await close()`, on a variable."""
    awaits, _, method = call.partition("(")[0].rpartition(" ")
    return f"{awaits} {name}.{method}({call.partition('(')[2]}".strip()


def _of_class(context: Context, package: str, name: str) -> str:
    for folder in dict.fromkeys(_INSTALLED.findall(json.dumps(context.document))):
        methods = dict(_methods(name, _classes(Path(json.loads(f'"{folder}"'), package))))
        found = next((each for each in CLOSERS if each in methods), "")
        if found:
            return f"{'await ' if methods[found] else ''}{found}()"
    return "await __aexit__(None, None, None)"


@cache
def _classes(folder: Path) -> dict[str, ast.ClassDef]:
    found: dict[str, ast.ClassDef] = {}
    for file in sorted(folder.rglob("*.py"))[:MOST_FILES]:
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        found.update((each.name, each) for each in tree.body if isinstance(each, ast.ClassDef))
    return found


def _methods(name: str, classes: dict[str, ast.ClassDef], depth: int = 5) -> Iterator[tuple[str, bool]]:
    """Yields the methods that need no argument, those of base classes first, and whether they are awaited."""
    owner = classes.get(name)
    if owner is None or not depth:
        return
    for base in reversed(owner.bases):
        yield from _methods(ast.unparse(base).partition("[")[0].rpartition(".")[2], classes, depth - 1)
    for each in owner.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            needed = len(each.args.args) - len(each.args.defaults)
            if needed == 1:
                yield each.name, isinstance(each, ast.AsyncFunctionDef)
