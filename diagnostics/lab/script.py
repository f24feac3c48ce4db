"""Runs a script in an environment, alone and for a bounded time, and says what it gave.

    run_script(text, python)        a `ScriptResult`: exit status, output, what was installed

The script is a file in an empty folder, its interpreter is isolated (`-I`), and nothing of the person's shell reaches
it. It ends when its time is over, also where this process is gone by then.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnostics.lab.execution.worker import clean_environment, read_ends

_NAME = "script.py"
# An alarm lives on in the program that takes this one's place, so the script ends by itself even if nobody waits.
_START = (
    "import os, signal, sys\n"
    "if hasattr(signal, 'alarm'): signal.alarm(int(sys.argv[1]))\n"
    "os.execv(sys.executable, [sys.executable, '-I', sys.argv[2]])\n"
)
_ASK = (
    "import importlib.metadata, json, platform, sys\n"
    "print(json.dumps({'python': f'Python {sys.version}', 'version': platform.python_version(),"
    " 'system': f'{platform.system()} {platform.machine()}',"
    " 'packages': {d.metadata['Name'].lower().replace('_', '-'): d.version"
    " for d in importlib.metadata.distributions()}}))\n"
)


class ScriptError(Exception):
    """A script could not be started; the message is one line that says why."""


@dataclass(frozen=True)
class ScriptResult:
    """What a script gave.

    Attributes:
        exit_status: `None` where its time was over first.
        output: both streams, as a terminal would show them; of much, its beginning and its end.
        python: as `python -VV` says it; `version` is the number alone.
        packages: normalised name to version.
    """

    exit_status: int | None
    output: str
    seconds: float
    python: str
    version: str
    system: str
    packages: dict[str, str]


def run_script(text: str, python: Path, *, timeout: float = 60.0) -> ScriptResult:
    """Runs a script with an interpreter.

    Raises:
        ScriptError: the interpreter cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="diagnostics-script-", ignore_cleanup_errors=True) as folder:
        try:
            about = _about(python, folder)
            Path(folder, _NAME).write_text(text, encoding="utf-8")
            status, seconds = _play(python, folder, timeout)
        except OSError as error:
            raise ScriptError(f"{python} cannot be started ({error.strerror or error})") from None
        # Its own lines are told by the name of the file alone.
        output = read_ends(Path(folder, "output")).replace(f"{os.path.realpath(folder)}{os.sep}", "")
        return ScriptResult(status, output.replace(f"{folder}{os.sep}", ""), seconds, **about)


def _variables(folder: str) -> dict[str, str]:
    variables = clean_environment(Path(folder), Path(folder), folder)
    return {name: value for name, value in variables.items() if name not in ("PYTHONPATH", "SSL_CERT_FILE")}


def _about(python: Path, folder: str) -> dict[str, Any]:
    asked = subprocess.run(
        [str(python), "-I", "-c", _ASK],
        cwd=folder,
        env=_variables(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    try:
        return dict(json.loads(asked.stdout))
    except ValueError:
        raise ScriptError(f"{python} is no Python that can run it (exit status {asked.returncode})") from None


def _play(python: Path, folder: str, timeout: float) -> tuple[int | None, float]:
    started = time.perf_counter()
    with Path(folder, "output").open("wb") as output:
        process = subprocess.Popen(
            [str(python), "-I", "-c", _START, str(int(timeout) + 2), _NAME],
            cwd=folder,
            env=_variables(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
    return status, time.perf_counter() - started


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the script and whatever it has started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
