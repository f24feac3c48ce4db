"""The environment of all programs, the servers that they call, and one run of a program."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import uv
from filelock import FileLock

from benchmarks.fixes.corpus import Program
from benchmarks.fixes.service import EchoService, serving
from diagnostics.lab.environments import Unavailable, default_cache, find_interpreter
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.server.installed import InstalledServers

LOCK: Final = Path(__file__).with_name("environment.txt")
"""Renewed by `uv pip compile` from the versions that the programs were written for."""

PYTHON: Final = "3.13"
LIMIT: Final = 60.0
"""Seconds that a program may take."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int | None
    output: str
    errors: str


@dataclass(frozen=True)
class Surroundings:
    """What a program needs to run."""

    python: Path
    service: EchoService
    servers: InstalledServers

    def variables(self, program: Program, case: str) -> dict[str, str]:
        """Returns the environment variables of a case."""
        database = {program.server.upper(): self.servers.url(program.server)} if program.server else {}
        kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
        return {**kept, **self.service.variables(case), **database, "NO_PROXY": "localhost,127.0.0.1"}

    def run(self, program: Program, folder: Path, case: str, arguments: Sequence[str] = ()) -> Ended:
        """Runs a program as its users do."""
        return self._run([*program.command, *arguments], folder, self.variables(program, case))

    def script(self, program: Program, folder: Path, case: str, path: Path) -> Ended:
        """Runs another script with the modules of the program."""
        return self._run([str(path)], folder, {**self.variables(program, case), "PYTHONPATH": str(folder)})

    def root_causes(self, program: Program, folder: Path, case: str) -> list[dict[str, Any]]:
        """Runs a program under the sanitizer; returns its root causes, each with the components at fault.

        Raises:
            RuntimeError: there is no document.
        """
        inside = stage_code(default_cache())
        with tempfile.TemporaryDirectory() as name:
            file = Path(name, "findings.json")
            options = ["-m", "diagnostics.sanitizer", "--json", str(file)]
            command = [*options, *([] if program.command[0] == "-m" else ["--"]), *program.command]
            ended = self._run(command, folder, {**self.variables(program, case), "PYTHONPATH": str(inside)})
            if not file.exists():
                raise RuntimeError(f"{program.name}: no findings were written; {ended.errors[-300:]}")
            document = json.loads(file.read_text(encoding="utf-8"))
        components = {each["id"]: each["fault"]["component"] for each in document["findings"]}
        return [
            {**each, "components": {components[name] for name in each["findings"]}} for each in document["root_causes"]
        ]

    def _run(self, words: Sequence[str], folder: Path, variables: dict[str, str]) -> Ended:
        command = [str(self.python), *words]
        try:
            done = subprocess.run(
                command, cwd=folder, env=variables, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            return Ended(None, "", f"it took more than {LIMIT:.0f} s")
        return Ended(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def surroundings(python: Path | None = None) -> Iterator[Surroundings]:
    """Starts the servers; an interpreter of one's own has what the programs import."""
    with serving() as service, InstalledServers() as servers:
        yield Surroundings(python or environment(), service, servers)


def environment() -> Path:
    """Returns the interpreter of the environment, which is built for each state of the lock.

    Raises:
        Unavailable: this machine has no such Python.
    """
    found = find_interpreter(PYTHON)
    if found is None:
        raise Unavailable(f"the programs run on Python {PYTHON}; install it, say `uv python install {PYTHON}`")
    digest = hashlib.sha256(LOCK.read_bytes() + found.version.encode()).hexdigest()[:16]
    folder = default_cache() / "fixes" / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    python, built = folder / "bin" / "python", folder / "built"
    with FileLock(f"{folder}.lock"):
        if not built.exists():
            program = uv.find_uv_bin()
            subprocess.run([program, "venv", "--quiet", "--clear", "--python", found.path, folder], check=True)
            install = ("pip", "install", "--quiet", "--only-binary", ":all:", "--compile-bytecode", "--no-deps")
            subprocess.run([program, *install, "--python", python, "-r", LOCK], check=True)
            built.touch()
    return python
