"""A detector is one file and one row, and nothing else knows it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from diagnostics import sanitizer
from diagnostics.sanitizer.capture import detectors

FOLDER = Path(detectors.__file__).parent
SANITIZER = Path(sanitizer.__file__).parent


def imports(file: Path) -> set[str]:
    """The modules that a file imports, with the names that it imports from them."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{each.name}" for each in node.names}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return found


def test_every_detector_is_a_file_and_a_row() -> None:
    assert {file.stem for file in FOLDER.glob("*.py")} - {"__init__"} == set(detectors.DETECTORS)
    assert all(detectors.DETECTORS.values())


@pytest.mark.parametrize("name", detectors.DETECTORS)
def test_only_the_table_imports_a_detector(name: str) -> None:
    module = f"{detectors.__name__}.{name}"
    importing = {
        file.relative_to(SANITIZER).as_posix()
        for file in SANITIZER.rglob("*.py")
        if any(each == module or each.startswith(f"{module}.") for each in imports(file))
    }
    assert importing == {"capture/detectors/__init__.py"}
