"""The floors between the packages hold: import-linter's contracts, run as its command runs them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSIDE = (
    "async_tools",
    "model",
    "experiment",
    "worker",
    "sanitizer",
    "pytest_plugin",
    "rewrite/check",
    "rewrite/run.py",
    "rewrite/rules",
)


def test_imports_only_point_down() -> None:
    command = Path(sys.executable).with_name("lint-imports")

    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def inside_files() -> list[Path]:
    package = ROOT / "diagnostics"
    return [
        path
        for name in INSIDE
        for path in sorted((package / name).rglob("*.py") if (package / name).is_dir() else [package / name])
    ]


@pytest.mark.parametrize("path", inside_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_inside_zone_is_standard_library_in_the_grammar_of_python_3_10(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    # uvloop is the loop of an environment that has it, and pyleak what a benchmark compares with: no dependencies.
    allowed = {"pyleak", "uvloop"} | ({"pytest"} if "pytest_plugin" in path.parts else set())
    assert imported - allowed <= {*sys.stdlib_module_names, "diagnostics"}
