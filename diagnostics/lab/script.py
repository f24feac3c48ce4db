"""Runs a script in an environment, alone and for a bounded time.

    run_script(files, python)       a `ScriptResult`: exit status, output, what is installed

The script is `script.py`, alone in a folder with what it imports. Its interpreter gets nothing of the user's shell. It
ends when its time is over, even if this process has ended before.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from diagnostics.lab.execution.process import run_bounded
from diagnostics.lab.execution.worker import clean_environment

_NAME: Final = "script.py"
# An alarm survives `exec`, so the script ends by itself even if nobody waits for it.
_START: Final = (
    "import os, signal, sys\n"
    "if hasattr(signal, 'alarm'): signal.alarm(int(sys.argv[1]))\n"
    "os.execv(sys.executable, [sys.executable, '-E', '-s', sys.argv[2]])\n"
)
_DESCRIBE: Final = (
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
    """What a script did.

    Attributes:
        exit_status: `None` if its time was over first.
        output: both streams, as a terminal would show them; of a long output, the beginning and the end.
        python: as `python -VV` prints it; `version` is the number alone.
        packages: normalised name to version.
    """

    exit_status: int | None
    output: str
    seconds: float
    python: str
    version: str
    system: str
    packages: dict[str, str]


def run_script(files: Mapping[str, str], python: Path, *, timeout: float = 60.0) -> ScriptResult:
    """Runs a script with an interpreter.

    Args:
        files: `script.py`, and the modules that it imports, by their names.
        python: the interpreter.
        timeout: in seconds.

    Raises:
        ScriptError: the interpreter cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="diagnostics-script-", ignore_cleanup_errors=True) as folder:
        variables = _variables(folder)
        command = [str(python), "-I", "-c", _START, str(int(timeout) + 2), _NAME]
        try:
            described = _describe(python, folder, variables)
            for name, text in files.items():
                Path(folder, name).write_text(text, encoding="utf-8")
            ended = run_bounded(command, Path(folder, "output"), env=variables, timeout=timeout, cwd=folder)
        except OSError as error:
            raise ScriptError(f"{python} cannot be started ({error.strerror or error})") from None
        # Tracebacks name the script's lines by the name of the file alone.
        output = ended.output.replace(f"{os.path.realpath(folder)}{os.sep}", "").replace(f"{folder}{os.sep}", "")
        return ScriptResult(ended.exit_status, output, ended.seconds, **described)


def _variables(folder: str) -> dict[str, str]:
    variables = clean_environment(Path(folder), Path(folder), folder)
    return {name: value for name, value in variables.items() if name not in ("PYTHONPATH", "SSL_CERT_FILE")}


def _describe(python: Path, folder: str, variables: dict[str, str]) -> dict[str, Any]:
    described = subprocess.run(
        [str(python), "-I", "-c", _DESCRIBE],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    try:
        return dict(json.loads(described.stdout))
    except ValueError:
        raise ScriptError(f"{python} is not a Python that can run it (exit status {described.returncode})") from None
