"""Finds the Pythons of this machine: the running one, pyenv's, those on PATH, those that uv manages. Downloads none."""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import python_discovery
from packaging.version import InvalidVersion, Version

from diagnostics.lab.environments.cache import default_cache


@dataclass(frozen=True)
class Interpreter:
    """A Python outside any virtual environment.

    Attributes:
        path: the executable.
        version: the full version, such as `3.13.0`.
        implementation: such as `CPython`.
    """

    path: Path
    version: str
    implementation: str


@functools.cache
def find_interpreter(version: str) -> Interpreter | None:
    """The CPython of this machine for a version such as `3.13`, or `None`; asked once a process.

    Another process' answer is kept on disk, because each question to an interpreter costs 100 ms and more.
    """
    if _answers(version, platform.python_version()) and platform.python_implementation() == "CPython":
        # A virtual environment's executable would tie what is built from it to that environment's life.
        path = Path(getattr(sys, "_base_executable", None) or sys.executable)
        return Interpreter(path, platform.python_version(), "CPython")
    try:
        found = python_discovery.get_interpreter(
            f"cpython{version}",
            try_first_with=[str(path) for path in pyenv_interpreters(version, os.environ)],
            cache=python_discovery.DiskCache(default_cache() / "interpreters"),
            # A pre-release of 3.15 answers to "3.15"; a free-threaded build is another interpreter.
            predicate=lambda info: not info.free_threaded,
        )
    except RuntimeError:  # it is there, and too old to be asked anything, such as 2.7
        return None
    if found is None:
        return None
    return Interpreter(Path(found.system_executable or found.executable), found.version_str, found.implementation)


def installed(pythons: Iterable[str]) -> list[str]:
    """Of some versions, those that this machine has, newest first."""
    return [python for python in sorted(set(pythons), key=Version, reverse=True) if find_interpreter(python)]


def pyenv_interpreters(version: str, environ: Mapping[str, str]) -> list[Path]:
    """What pyenv has installed for a version, newest first.

    pyenv's own shims refuse to run unless the version was chosen by `pyenv local` or `global`, so that a search of PATH
    misses what is there.
    """
    root = Path(environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found: list[tuple[Version, Path]] = []
    for folder in root.glob("versions/*"):
        try:
            full = Version(folder.name)
        except InvalidVersion:
            continue
        executable = folder / "bin" / "python"
        if _answers(version, folder.name) and executable.is_file():
            found.append((full, executable))
    return [path for _, path in sorted(found, reverse=True)]


def _answers(wanted: str, full: str) -> bool:
    parts = wanted.split(".")
    return full.split(".")[: len(parts)] == parts
