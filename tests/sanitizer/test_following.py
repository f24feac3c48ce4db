"""Python programs that the program starts: instrumented with `--follow`, a blind spot without it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from diagnostics.lab.environments.interpreters import pyenv_interpreters
from diagnostics.sanitizer.analyze.started import is_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sanitizer.conftest import Ran

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system starts programs in another way")

CHILD = """
import asyncio, os
loop = asyncio.new_event_loop()
loop.close()
try:
    loop.call_soon(print)
except RuntimeError:
    print("failed", sorted((k, v) for k, v in os.environ.items() if k.startswith(("DIAG", "PYTHON"))), flush=True)
"""
PARENT = """
import asyncio, os, subprocess, sys
child = [sys.executable, sys.argv[1]]
"""
WAYS = {
    "subprocess": "subprocess.run(child)",
    "an environment": "subprocess.run(child, env={'PYTHONPATH': '/nowhere'})",
    "bytes": "subprocess.run(child, env={b'PYTHONPATH': b'/nowhere'})",
    "a shell": "subprocess.run(' '.join(child), shell=True)",
    "open descriptors": "subprocess.run(child, close_fds=False)",
    "asyncio": "async def run():\n    await (await asyncio.create_subprocess_exec(*child)).wait()\nasyncio.run(run())",
    "os.posix_spawn": "os.waitpid(os.posix_spawn(child[0], child, os.environ), 0)",
    "os.execv": "os.execv(child[0], child)",
    "os.execve": "os.execve(child[0], child, {'PYTHONPATH': '/nowhere'})",
    "os.spawnv": "os.spawnv(os.P_WAIT, child[0], child)",
}


@pytest.fixture
def parent(tmp_path: Path) -> Callable[[str], list[str]]:
    def write(way: str) -> list[str]:
        (tmp_path / "child.py").write_text(CHILD)
        (tmp_path / "parent.py").write_text(PARENT + way)
        return [str(tmp_path / "parent.py"), str(tmp_path / "child.py")]

    return write


@pytest.mark.parametrize("way", WAYS)
def test_a_program_is_instrumented_and_finds_the_environment_that_it_would(
    run: Callable[..., Ran], parent: Callable[[str], list[str]], way: str
) -> None:
    words = parent(WAYS[way])
    alone = run("none", *words, instrumented=False)
    followed = run("none", *words, options=("--follow",))
    assert followed.output == alone.output
    assert (alone.status, followed.status) == (0, 66)
    assert followed.kinds == {"use-after-loop-close": "error"}
    assert followed.document is not None
    assert followed.document["cannot_tell"] == []


@pytest.mark.parametrize("way", WAYS)
def test_a_program_is_a_blind_spot_if_it_is_not_followed(
    run: Callable[..., Ran], parent: Callable[[str], list[str]], way: str
) -> None:
    ran = run("none", *parent(WAYS[way]))
    assert (ran.status, ran.kinds) == (0, {})
    assert ran.document is not None
    (line,) = ran.document["cannot_tell"]
    how = {"os.posix_spawn": "os.posix_spawn", "os.execve": "os.execve"}.get(way, "subprocess")
    assert line == (
        f"a Python program was started by {'os.execv' if way in ('os.execv', 'os.spawnv') else how} "
        f"at parent.py:{5 if way == 'asyncio' else 4}: not instrumented; use --follow"
    )


def test_lines_that_start_programs_are_listed_and_a_package_is_named(
    run: Callable[..., Ran], parent: Callable[[str], list[str]], tmp_path: Path
) -> None:
    package = tmp_path / "site-packages" / "starter"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import subprocess\n\ndef start(child):\n    subprocess.run(child)\n")
    both = "subprocess.run(child)\nsubprocess.run(child)\n"
    ran = run("none", *parent(both), instrumented=True)
    assert ran.document is not None
    assert ran.document["cannot_tell"] == [
        "2 Python programs were started by subprocess at parent.py:4, parent.py:5: not instrumented; use --follow"
    ]
    later = "import atexit\nsys.path.append('site-packages')\nimport starter\natexit.register(starter.start, child)\n"
    ran = run("none", *parent(later))
    assert ran.document is not None
    assert ran.document["cannot_tell"] == [
        "a Python program was started by subprocess in starter: not instrumented; use --follow"
    ]


def test_a_program_that_ignores_the_environment_is_a_blind_spot(
    run: Callable[..., Ran], parent: Callable[[str], list[str]]
) -> None:
    ran = run("none", *parent("subprocess.run([child[0], '-I', child[1]])"), options=("--follow",))
    assert ran.document is not None
    (line,) = ran.document["cannot_tell"]
    assert line.startswith("a Python program was started by subprocess at parent.py:4: not instrumented: python -I")


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.9"])
def test_an_interpreter_that_is_too_old_runs_as_it_would(
    run: Callable[..., Ran], parent: Callable[[str], list[str]], version: str
) -> None:
    found = pyenv_interpreters(version, os.environ)
    if not found:
        pytest.skip(f"pyenv has no Python {version}")
    line = "import os, sys; print(os.environ.get('DIAGNOSTICS_BOOT'), os.environ['PYTHONPATH'], sys.path)"
    words = parent(f"subprocess.run(['{found[0]}', '-c', {line!r}])")
    followed = run("none", *words, options=("--follow",))
    assert followed.output == run("none", *words, instrumented=False).output
    assert followed.document is not None
    assert len(followed.document["cannot_tell"]) == 1
    assert followed.own_errors == ""


def test_a_program_that_cannot_be_started_raises_as_it_would(
    run: Callable[..., Ran], parent: Callable[[str], list[str]]
) -> None:
    words = parent("subprocess.run(['/no/such/program'])")
    alone = run("none", *words, instrumented=False)
    followed = run("none", *words, options=("--follow",))
    assert followed.own_errors == alone.errors
    assert "sanitizer" not in followed.errors


def test_a_process_that_execs_is_reported_before_and_after(
    run: Callable[..., Ran], parent: Callable[[str], list[str]], tmp_path: Path
) -> None:
    words = parent(f"exec({CHILD!r})\nos.execv(child[0], child)")
    ran = run("none", *words, options=("--follow",))
    assert [finding["kind"] for finding in ran.findings] == ["use-after-loop-close"] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_one_mistake_in_several_processes_is_one_block(
    run: Callable[..., Ran], parent: Callable[[str], list[str]]
) -> None:
    ran = run("none", *parent("for _ in range(3):\n    subprocess.run(child)"), options=("--follow",))
    assert ran.errors.count("error[") == 1
    assert "in 3 processes" in " ".join(ran.errors.split())
    assert ran.document is not None
    (cause,) = ran.document["root_causes"]
    assert sorted(cause["findings"]) == sorted(finding["id"] for finding in ran.findings) == ["F1", "F2", "F3"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sh", "-c", "python app.py"], True),
        (["sh", "-c", "cd x && FOO=1 exec /usr/bin/python3.12 app.py"], True),
        (["sh", "-c", "which python"], False),
        (["sh", "-c", "echo python"], False),
        (["sh", "script.sh"], False),
    ],
)
def test_which_commands_of_a_shell_are_python(arguments: list[str], expected: bool) -> None:
    assert is_python(["/bin/sh"], arguments) == expected


def test_which_programs_are_python(tmp_path: Path) -> None:
    script, other = tmp_path / "server", tmp_path / "other"
    script.write_text("#!/opt/venv/bin/python3\n")
    other.write_text("#!/bin/sh\n# python\n")
    assert is_python([sys.executable], ["anything"])
    assert is_python(["/no/such", str(script)], ["server"])
    assert not is_python([str(other)], ["other"])
    assert not is_python(["/no/such/python"], ["python"])
