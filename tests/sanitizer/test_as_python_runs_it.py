"""A program under `run` starts as Python starts it: its arguments, its path, its main module and its tracebacks."""

from __future__ import annotations

import os
import py_compile
import re
import subprocess
import sys
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.sanitizer.process.supervisor import options_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sanitizer.conftest import Ran

SAFE = pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python has no safe path")


def test_a_module_runs_as_python_runs_it(run: Callable[..., Ran], tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys\nfrom . import other\nprint(__name__, __package__, sys.argv[1:])\n"
    )
    (package / "other.py").touch()
    for instrumented in (True, False):
        ran = run("none", "package", "a", "--leaks", module=True, instrumented=instrumented)
        assert (ran.status, ran.output) == (0, "__main__ package ['a', '--leaks']\n"), ran.errors


# What a program can see of how it was started.
SEEN = """
import pickle, sys
class Own:
    pass
def fail():
    raise ValueError("own")
print(sys.argv, sys.path[:2], sorted(globals()), __name__, __package__, __doc__, __file__, type(__loader__), __loader__)
print(__spec__, sys.modules["__main__"].__dict__ is globals(), type(pickle.loads(pickle.dumps(Own()))) is Own)
if sys.argv[-1] == "fail":
    fail()
"""


@pytest.mark.parametrize("safe", [False, pytest.param(True, marks=SAFE)])
@pytest.mark.parametrize("argument", ["", "fail"])
@pytest.mark.parametrize(
    "started",
    [
        "seen.py",
        "./seen.py",
        "seen.pyc",
        "seen",
        "folder",
        "./folder/",
        "app.pyz",
        "app",
        "-",
        "-m package.seen",
        "-m folder",
    ],
)
def test_a_program_sees_what_it_sees_without(
    inside: Path, tmp_path: Path, started: str, argument: str, *, safe: bool
) -> None:
    for folder in ("folder", "package"):
        (tmp_path / folder).mkdir()
    for file in ("seen.py", "folder/__main__.py", "package/seen.py"):
        (tmp_path / file).write_text(SEEN)
    (tmp_path / "package" / "__init__.py").write_text(
        "import sys\nprint(sys.argv, sorted(vars(sys.modules['__main__'])))"
    )
    for name in ("app.pyz", "app"):
        zipapp.create_archive(tmp_path / "folder", tmp_path / name)
    for name in ("seen.pyc", "seen"):
        py_compile.compile(str(tmp_path / "seen.py"), str(tmp_path / name), dfile="seen.py")
    variables = {**os.environ, "PYTHONPATH": str(inside), "PYTHONDONTWRITEBYTECODE": "1"}
    if safe:
        variables["PYTHONSAFEPATH"] = "1"

    def ran(*instrumented: str) -> tuple[int, str, str]:
        command = [sys.executable, *instrumented, *started.split(), "an argument", *argument.split()]
        done = subprocess.run(
            command, cwd=tmp_path, env=variables, input=SEEN, capture_output=True, text=True, check=False, timeout=120
        )
        return done.returncode, re.sub("0x[0-9a-f]+", "", done.stdout), done.stderr

    plain = ran()
    if safe and started.startswith("-m"):  # it is not found: a line of ours
        assert (plain[0], ran("-m", "diagnostics.sanitizer")[0]) == (1, 2)
    else:
        assert ran("-m", "diagnostics.sanitizer") == plain
        assert plain[0] == (1 if argument else 0)


def test_a_module_whose_package_fails_is_there(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("import a_missing_dependency\n")
    (tmp_path / "package" / "module.py").touch()
    instrumented = run("none", "package.module", module=True)
    alone = run("none", "package.module", module=True, instrumented=False)
    assert (instrumented.status, instrumented.errors) == (alone.status, alone.errors)
    assert instrumented.errors.endswith("ModuleNotFoundError: No module named 'a_missing_dependency'\n")


@pytest.mark.parametrize(
    ("words", "own"),
    [
        (["-um", "diagnostics", "run"], ["-u"]),
        (["-uW", "error", "-bXdev", "-m", "diagnostics"], ["-uW", "error", "-bXdev"]),
        (["-X", "-m", "app.py", "-u"], ["-X", "-m"]),
        (["--check-hash-based-pycs", "always", "app.py"], ["--check-hash-based-pycs", "always"]),
        (["-Wc", "app.py"], ["-Wc"]),
        (["-cprint()"], []),
        (["-Ec", "print()"], ["-E"]),
        (["-", "-u"], []),
        (["-B", "--", "app.py"], ["-B"]),
    ],
)
def test_the_options_of_the_interpreter_end_where_its_program_begins(words: list[str], own: list[str]) -> None:
    assert options_of(words) == own
