"""Runs uv, and reads its complaints: whatever it says becomes one plain line without colours, hosts or hints."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from uv import find_uv_bin

from diagnostics.lab.environments.problems import BuildFailed, EnvironmentProblem, IndexUnreachable

# Set by nox, an activated environment or a person for another purpose than ours: bytecode is compiled elsewhere.
_NOT_OURS = (
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_COMPILE_BYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ADDRESS = re.compile(r"\b[a-z]+://\S+")
_UNREACHABLE = re.compile(
    r"network was disabled|connectivity is disabled|not found in the cache|error sending request|dns error"
    r"|Connection refused|HTTP status (client|server) error|Request failed after|timed out"
)
_DISK = re.compile(r"No space left on device|Read-only file system|Permission denied|quota exceeded", re.IGNORECASE)


def run(*arguments: str, cwd: Path, offline: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs uv without downloads of Python, progress or colours; a failure is in the result's `returncode`.

    Args:
        arguments: the subcommand and its arguments.
        cwd: an existing folder of ours: uv reads the configuration of the folder it starts in.
        offline: whether only uv's cache may be used.

    Raises:
        BuildFailed: there is no uv.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    environment |= {"NO_COLOR": "1", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never"}
    command = [_binary(), *arguments, *(["--offline"] if offline else [])]
    return subprocess.run(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def indexes(cwd: Path) -> list[str]:
    """The addresses of the package indexes that uv is configured to ask, in the order in which it does.

    uv's own answer, so that its files, its variables and its default all count. They may hold credentials. None where
    `UV_NO_INDEX` says so.

    Args:
        cwd: as in `run`.

    Raises:
        BuildFailed: uv is missing or failed.
    """
    if os.environ.get("UV_NO_INDEX", "").lower() in ("1", "true", "yes", "on", "y", "t"):
        return []
    (cwd / "nothing.in").touch()
    answer = run("pip", "compile", "nothing.in", "--no-header", "--emit-index-url", cwd=cwd, offline=True)
    if answer.returncode:
        raise problem(answer.stderr)
    named = re.findall(r"^--(extra-)?index-url (\S+)$", answer.stdout, re.MULTILINE)
    # uv asks the extra ones first.
    return [url for extra, url in sorted(named, key=lambda each: not each[0])]


def problem(output: str, *, cache: Path | None = None) -> EnvironmentProblem:
    """What a failed uv means, where it is not the resolver's answer.

    Args:
        output: what uv wrote to stderr.
        cache: the folder that was written to, named if the disk is the problem.
    """
    disk = _DISK.search(output)
    if disk and cache is not None:
        return disk_problem(cache, disk.group())
    if _UNREACHABLE.search(output):
        return IndexUnreachable(
            "the package index cannot be reached, and not everything needed is in uv's cache; "
            "check the network or the index setting, then run the same command again"
        )
    return BuildFailed(f"uv failed: {sentence(output) or 'without a word'}")


def disk_problem(cache: Path, why: str) -> BuildFailed:
    """The folder cannot be written."""
    return BuildFailed(
        f"cannot write environments to {cache} ({why}); make room there, or set DIAGNOSTICS_CACHE to another folder"
    )


def sentence(output: str) -> str:
    """The error of uv as one line: its causes without header, hint, warnings, colours and addresses."""
    kept: list[str] = []
    keeping = False
    for line in _COLOUR.sub("", output).splitlines():
        text = line.strip()
        if re.match(r"(warning|hint|Resolved|Using)\b", text):
            keeping = False
        elif text.startswith(("error:", "×")):
            keeping = True
            kept.append(text.removeprefix("error:").strip(" ×"))
        elif keeping and text:
            kept.append(re.sub(r"^(cause:|╰─▶)\s*", "", text))
    if len(kept) > 1 and kept[0].startswith("No solution found"):
        del kept[0]
    return _ADDRESS.sub("the index", " ".join(kept)).strip()


def _binary() -> str:
    try:
        return find_uv_bin()
    except FileNotFoundError:
        raise BuildFailed("uv is not installed beside this Python; run: python -m pip install uv") from None
