"""Builds one file from the package `async_tools`, for a project to copy. Needs nothing but Python."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import Final

from diagnostics import __version__

PACKAGE: Final = "diagnostics.async_tools"

MODULES: Final = (
    "limits",
    "state",
    "guard",
    "finaliser",
    "service",
    "call",
    "persistent",
    "unawaited",
    "blocking",
    "wrapping",
    "loop_local",
)
"""Each imports only from those before it, so the file runs from top to bottom."""

HEADER: Final = f"""\
# async_tools {__version__}, from Event Loop Diagnostics: `python -m diagnostics async-tools` renews this file.
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 Event Loop Diagnostics
"""

SIGPIPE: Final = 128 + 13
"""Exit status where the reader has gone, as a shell reports of any program."""


def single_file() -> str:
    """The source of the whole package as one module."""
    folder = Path(__file__).with_name("async_tools")
    init = (folder / "__init__.py").read_text(encoding="utf-8")
    parts = {name: _Part((folder / f"{name}.py").read_text(encoding="utf-8")) for name in MODULES}
    docstring, *_, exported = ast.parse(init).body
    imports = "\n".join(_merged([node for part in parts.values() for node in part.imports]))
    sections = [f"# --- {name} ---\n# {part.comment}\n\n{part.body}" for name, part in parts.items()]
    head = [_text(init, docstring), "from __future__ import annotations", imports, _text(init, exported)]
    return HEADER + "\n\n".join(head) + "\n\n" + "\n\n".join(sections)


class _Part:
    """One module of the package, taken apart.

    Attributes:
        comment: its docstring as comment lines, without the first `#`.
        imports: its imports from the standard library.
        body: the rest, with `module.name` of the package as `name`.
    """

    def __init__(self, source: str) -> None:
        tree = ast.parse(source)
        self.comment = (ast.get_docstring(tree) or "").replace("\n", "\n# ").replace("\n# \n", "\n#\n")
        self.imports: list[ast.Import | ast.ImportFrom] = []
        modules: set[str] = set()
        first = 0
        for node in tree.body[1:]:
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                break
            first = node.end_lineno or 0
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
                modules |= {alias.name for alias in node.names if node.module == PACKAGE}
            elif not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
                self.imports.append(node)
        lines = source.encode().splitlines(keepends=True)  # columns of the syntax tree count bytes
        spans = [
            (node.value.lineno, node.value.col_offset, len(node.value.id) + 1)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules
        ]
        for line, column, length in sorted(spans, reverse=True):
            lines[line - 1] = lines[line - 1][:column] + lines[line - 1][column + length :]
        body = b"".join(lines[first:]).decode().strip("\n") + "\n"
        self.body = "\n" + body if body.startswith(("class ", "def ", "async def ")) else body


def _text(source: str, node: ast.stmt) -> str:
    return ast.get_source_segment(source, node) or ""


def _merged(nodes: list[ast.Import | ast.ImportFrom]) -> list[str]:
    """All imports of the modules, each once, in the order of isort."""
    plain: set[tuple[str, str]] = set()
    names: dict[str, set[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            plain |= {(alias.name, f" as {alias.asname}" if alias.asname else "") for alias in node.names}
        else:
            names.setdefault(node.module or "", set()).update(alias.name for alias in node.names)
    return [
        *(f"import {name}{alias}" for name, alias in sorted(plain)),
        *(
            f"from {module} import {', '.join(sorted(found, key=lambda name: (name[0].islower(), name)))}"
            for module, found in sorted(names.items())
        ),
    ]


def write() -> int:
    """Writes the file to standard output.

    Returns:
        The exit status: 0, `SIGPIPE` where the reader has gone, 1 where the disk refuses.
    """
    source = single_file().encode()
    try:
        sys.stdout.buffer.write(source)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # What is still in the buffer goes nowhere, or the interpreter would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SIGPIPE
    except OSError as error:
        sys.stderr.write(f"error: cannot write to standard output ({error.strerror})\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0
