"""Every interpreter of this machine, uvloop, free-threaded builds and sub-interpreters."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from benchmarks.bridges.behaviours.behaviour import without_slow_steps
from diagnostics.drop_in import single_file
from diagnostics.lab.environments import default_cache, find_interpreter
from tests.async_tools.parts import PATIENCE, ROOT

CHECKS = ROOT / "tests" / "async_tools" / "programs" / "checks.py"
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


def run(python: Path | str, *arguments: str, path: Path = ROOT) -> tuple[str, str, int]:
    done = subprocess.run(
        [python, "-X", "dev", "-W", "error", *arguments],
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return done.stdout, without_slow_steps(done.stderr), done.returncode


@pytest.fixture(params=PYTHONS)
def interpreter(request: pytest.FixtureRequest) -> Path:
    found = find_interpreter(request.param)
    if found is None:
        pytest.skip(f"there is no Python {request.param} on this machine")
    return found.path


def test_it_does_all_of_it(interpreter: Path) -> None:
    assert run(interpreter, str(CHECKS)) == ("ok\n", "", 0)


def test_the_single_file_does_all_of_it(interpreter: Path, tmp_path: Path) -> None:
    """Under the name of the package, so that the same program runs."""
    (tmp_path / "diagnostics").mkdir()
    (tmp_path / "diagnostics" / "__init__.py").touch()
    (tmp_path / "diagnostics" / "async_tools.py").write_text(single_file(), encoding="utf-8")
    assert run(interpreter, str(CHECKS), path=tmp_path) == ("ok\n", "", 0)


@pytest.mark.parametrize("python", ["3.13t", "3.14t", "3.15t"])
def test_it_does_all_of_it_without_the_global_lock(python: str) -> None:
    found = shutil.which(f"python{python}")
    if found is None:
        pytest.skip(f"there is no Python {python} on this machine")
    assert run(found, str(CHECKS)) == ("ok\n", "", 0)


SUB_INTERPRETER = """
import sys
from diagnostics.async_tools import run_sync
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
text = '''
import sys, traceback
sys.path[:] = PATH
from diagnostics.async_tools import run_sync
async def echo(value): return value
try:
    print(run_sync(echo(1)), flush=True)
except RuntimeError as error:
    print(error, flush=True)
'''
created = interpreters.create()
interpreters.run_string(created, text.replace("PATH", repr(sys.path)))
interpreters.destroy(created)
async def echo(value): return value
print(run_sync(echo("the main one works")))
"""


def test_a_sub_interpreter_is_refused(interpreter: Path) -> None:
    if run(interpreter, "-c", "import _interpreters")[2] and run(interpreter, "-c", "import _xxsubinterpreters")[2]:
        pytest.skip("this Python has no module for sub-interpreters")
    output, errors, status = run(interpreter, "-c", SUB_INTERPRETER)
    assert (output.splitlines(), status) == (
        ["a sub-interpreter has no daemon threads: use run_sync in the main interpreter", "the main one works"],
        0,
    ), errors


@pytest.mark.environment
@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run there")
def test_it_does_all_of_it_on_uvloop() -> None:
    """In an environment that is built once and kept with the others."""
    folder = default_cache() / "uvloop"
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not python.exists() or run(python, "-c", "import uvloop")[2]:
            for command in (
                ["venv", "--clear", "--python", sys.executable, str(folder)],
                ["pip", "install", "--python", str(python), "--only-binary", ":all:", "uvloop"],
            ):
                done = subprocess.run(["uv", *command], capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"uvloop cannot be installed: {done.stderr.strip().splitlines()[-1]}")
    assert run(python, str(CHECKS), "uvloop") == ("ok\n", "", 0)
