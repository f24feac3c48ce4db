"""Awkward programs do the same with the sanitizer as without it, and their mistakes are reported."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from diagnostics.lab.environments import find_interpreter
from tests.sanitizer.conftest import run_uv
from tests.sanitizer.side_by_side import MODULES, AwkwardProgram, difference, install, lacks, programs


@pytest.fixture(scope="session")
def python(shared: Path) -> Path:
    """An interpreter that has the sanitizer and `MODULES`."""
    found = find_interpreter("3.12")
    if found is None:
        pytest.skip("there is no Python 3.12 on this machine")
    folder = shared / "awkward"
    with FileLock(shared / "awkward.lock"):
        if not (folder / "done").exists():
            run_uv("venv", "--quiet", "--clear", "--python", str(found.path), str(folder))
            words = ("pip", "install", "--quiet", "--only-binary", ":all:", "--compile-bytecode")
            run_uv(*words, "--python", str(folder / "bin" / "python"), *MODULES)
            install(folder / "bin" / "python")
            (folder / "done").touch()
    return folder / "bin" / "python"


@pytest.mark.environment
@pytest.mark.parametrize(
    "program", [each for each in programs() if not each.rare], ids=lambda program: f"{program.kind}: {program.name}"
)
def test_an_awkward_program_does_the_same(program: AwkwardProgram, python: Path, tmp_path: Path) -> None:
    missing = lacks(python, program.needs)
    if missing:
        pytest.skip(f"this Python lacks {missing}")
    assert difference(program, python, tmp_path) == ""


@pytest.mark.environment
def test_an_interpreter_without_site_is_refused_in_one_line(python: Path) -> None:
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    command: list[str | Path] = [python, "-S", "-m", "diagnostics", "run", "program.py"]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: python -S cannot be instrumented; remove -S")
