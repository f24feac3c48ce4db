"""A script runs alone and for a bounded time, and what it gave is told whatever it did."""

from __future__ import annotations

import os
import signal
import socket
import sys
import textwrap
from pathlib import Path

import pytest

from diagnostics.lab.script import ScriptError, ScriptResult, run_script

HERE = Path(sys.executable)


def _run(text: str, timeout: float = 60.0) -> ScriptResult:
    return run_script({"script.py": textwrap.dedent(text)}, HERE, timeout=timeout)


def test_status_output_and_what_it_ran_in_are_told() -> None:
    ran = _run("import sys\nprint('one', flush=True)\nprint('two', file=sys.stderr)\nsys.exit(7)")
    assert (ran.exit_status, ran.output) == (7, "one\ntwo\n")
    assert ran.python == f"Python {sys.version}"
    assert ran.version == sys.version.split()[0]
    assert ran.packages["pytest"] == pytest.__version__
    assert ran.seconds > 0


def test_its_own_lines_are_told_without_its_folder() -> None:
    ran = _run("import tempfile\ndef fail():\n    raise ValueError(__file__)\nfail()")
    assert ran.exit_status == 1
    assert 'File "script.py", line 3, in fail' in ran.output
    assert "ValueError: script.py" in ran.output


def test_nothing_of_the_persons_shell_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("PYTHONPATH", "/canary")
    ran = _run("import os, sys\nprint(sorted(os.environ), sys.path, sys.flags.ignore_environment)")
    assert "OPENAI" not in ran.output
    assert "canary" not in ran.output
    assert "PYTHONPATH" not in ran.output
    assert ran.output.rstrip().endswith(" 1")


def test_a_script_that_does_not_end_is_ended_with_what_it_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = f"import socket; socket.create_connection(('127.0.0.1', {listener.getsockname()[1]})).recv(1)"
        ran = _run(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])", timeout=8)
        assert ran.exit_status is None
        listener.settimeout(30)
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(30)
            assert connection.recv(1) == b"", "the end of its connection is the end of the child"


@pytest.mark.skipif(not hasattr(signal, "alarm"), reason="there is no alarm here")
def test_it_has_an_alarm_of_its_own_in_case_nobody_waits() -> None:
    ran = _run("import signal\nprint(signal.alarm(0))", timeout=30)
    assert 0 < int(ran.output) <= 32


def test_much_output_keeps_its_two_ends() -> None:
    ran = _run("print('first')\nfor _ in range(100_000): print('x' * 20)\nprint('last')")
    assert ran.output.startswith("first\n")
    assert ran.output.endswith("last\n")
    assert len(ran.output) < 200_000


@pytest.mark.parametrize("name", ["missing", "not-a-python"])
def test_what_cannot_be_started_is_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "not-a-python":
        path.write_text("#!/bin/sh\necho no json >&2\n", encoding="utf-8")
        path.chmod(0o755)
        if os.name == "nt":
            pytest.skip("no such scripts on Windows")
    with pytest.raises(ScriptError, match=name) as error:
        run_script({"script.py": "print()"}, path)
    assert "\n" not in str(error.value)
