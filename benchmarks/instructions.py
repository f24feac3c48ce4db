"""Instructions of a part of a program: they do not depend on what else the machine is doing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def available() -> bool:
    """Whether valgrind is installed. The processor's own counter is missing on most virtual machines."""
    return shutil.which("callgrind_control") is not None


def count(command: Sequence[str], environment: Mapping[str, str], folder: Path, *, whole: bool = False) -> int | None:
    """How many instructions a command takes while it has callgrind switched on; `None` if callgrind did not say.

    Args:
        command: what to run; see `benchmarks.http_client.count_instructions`.
        environment: its variables.
        folder: where it runs.
        whole: whether callgrind is on from the start.
    """
    words = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    words += [] if whole else ["--instr-atstart=no"]
    # A hash seed of its own would make dictionaries, and so counts, differ from run to run.
    fixed = {"PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0", "COUNT_INSTRUCTIONS": "1"}
    ran = subprocess.run(
        [*words, *command], env={**environment, **fixed}, cwd=folder, capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected : (\d+)", ran.stderr)
    return int(found[1]) if found else None
