"""Instructions of a program, where the machine can count them: they do not depend on what else it is doing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

COUNTERS = ("perf", "callgrind")


def counter() -> str | None:
    """Which of `COUNTERS` works here: the processor's own counter, else valgrind's simulated processor."""
    if shutil.which("perf") and _perf(["true"], {}, Path.cwd()) is not None:
        return "perf"
    return "callgrind" if shutil.which("valgrind") else None


def count(how: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int | None:
    """How many instructions a command takes; `None` where the counter did not say.

    Args:
        how: one of `COUNTERS`.
        command: what to run.
        environment: its variables.
        folder: where it runs.
    """
    return _perf(command, environment, folder) if how == "perf" else _callgrind(command, environment, folder)


def _perf(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int | None:
    said = _errors(["perf", "stat", "-x", ",", "-e", "instructions:u", "--", *command], environment, folder)
    found = re.search(r"^(\d+),,instructions", said, re.MULTILINE)  # `<not supported>` on most virtual machines
    return int(found[1]) if found else None


def _callgrind(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> int | None:
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    found = re.search(r"Collected : (\d+)", _errors([*words, *command], environment, folder))
    return int(found[1]) if found else None


def _errors(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    # A hash seed of its own would make dictionaries, and so counts, differ from run to run.
    variables = {"PATH": "/usr/bin:/bin", **environment, "PYTHONHASHSEED": "0"}
    return subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=False).stderr
