"""Each recipe of CONTRIBUTING.md works when it is followed in a copy of the project."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent.parent
COPIED = ("benchmarks", "diagnostics", "tests")
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^## Add an? (.+?)\n(.+?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE))


def change(file: Path, diff: str) -> None:
    """Applies hunks that `@@` separates: the lines around a change must be in the file once."""
    text = file.read_text(encoding="utf-8")
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] != "+")
        assert text.count(before) == 1, f"not once in {file}:\n{before}"
        text = text.replace(before, "".join(line[1:] for line in lines if line[0] != "-"))
    file.write_text(text, encoding="utf-8")


def check(command: str, tree: Path) -> None:
    """Runs the tests that the recipe names, with the package of the copy."""
    python, *arguments = shlex.split(command)
    assert python == "python"
    isolated = ("-p", "no:cacheprovider", "-p", "no:xdist")
    for what in (["-c", "import diagnostics; print(diagnostics.__file__)"], [*arguments, *isolated]):
        ran = subprocess.run([sys.executable, *what], cwd=tree, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert str(tree) in ran.stdout  # of pytest it is the line with its root


def test_there_is_a_recipe_for_each_kind_of_extension() -> None:
    assert set(RECIPES) == {"fix", "provider", "detector", "report format"}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_works_as_written(name: str, tmp_path: Path) -> None:
    for folder in COPIED:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    checked = False
    parts = re.split(r"^```(\w+)\n(.+?)^```$", RECIPES[name], flags=re.DOTALL | re.MULTILINE)
    for prose, kind, block in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if kind == "python":
            created = tmp_path / re.findall(r"Create\s`(.+?)`", prose)[-1]
            assert not created.exists()
            created.write_text(block, encoding="utf-8")
        elif kind == "diff":
            change(tmp_path / re.findall(r"In\s`(.+?)`,", prose)[-1], block)
        else:
            check(block.strip(), tmp_path)
            checked = True
    assert checked
