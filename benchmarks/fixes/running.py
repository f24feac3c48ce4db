"""`fix` and `prove` on one program each, in a copy, with what came of it."""

from __future__ import annotations

import difflib
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.fixes.corpus import Program, texts
from benchmarks.fixes.hidden import problems
from benchmarks.fixes.patches import Patch
from benchmarks.fixes.surroundings import Surroundings

ROOT: Final = Path(__file__).parents[2]
LIMIT: Final = 900.0
"""Seconds for one program; what takes longer has failed."""


@dataclass(frozen=True)
class Outcome:
    """What came of one program or change.

    Attributes:
        key: changes with this project's code and with the program.
        part: `fix` or `prove`.
        expected: what should come of it: `patch`, `nothing`, `accept` or `reject`.
        status: of the command; `None` after `LIMIT` seconds, and where this project's own code failed.
        said: the last line of the command.
        lines: inserted and deleted ones in files that were there before.
        moved: how many of them differ in their indentation only.
        added: new files.
        hidden: what the hidden test found wrong.
    """

    key: str
    name: str
    part: str
    expected: str
    status: int | None
    seconds: float
    said: str
    lines: int = 0
    moved: int = 0
    added: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)

    @property
    def patched(self) -> bool:
        """Whether files were changed."""
        return bool(self.lines or self.added)

    @property
    def right(self) -> bool:
        """Whether it came as expected."""
        if self.expected == "patch":
            return self.status == 0 and self.patched and not self.hidden
        if self.expected == "nothing":
            return self.status in (0, 1) and not self.patched
        return self.status == (0 if self.expected == "accept" else 1)


def key_of(subject: Program | Patch, trials: int) -> str:
    """Returns what stands for a program or change, how often it runs, and this project's code."""
    files = subject.files if isinstance(subject, Program) else {**subject.before.files, **subject.files}
    digest = hashlib.sha256(json.dumps([type(subject).__name__, subject.name, trials, *sorted(files.items())]).encode())
    for path in sorted((ROOT / "diagnostics").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def fixed(program: Program, around: Surroundings, trials: int, logs: Path) -> Outcome:
    """Runs `fix --write` on a copy, and the hidden test on what it made."""
    with tempfile.TemporaryDirectory() as name:
        folder = program.write(Path(name) / "program")
        options = ["--write", "--trials", str(trials), "--json", str(Path(name, "fix.json"))]
        status, seconds, output = _diagnostics(["fix", *options], program, folder, around)
        (logs / f"{program.name}.log").write_text(output, encoding="utf-8")
        lines, moved, added = changes(program.files, texts(folder))
        hidden = problems(program, folder, around) if lines or added else []
    expected = "patch" if program.fault == "first-party" else "nothing"
    return Outcome(
        key_of(program, trials),
        program.name,
        "fix",
        expected,
        status,
        seconds,
        _last(output),
        lines,
        moved,
        added,
        hidden,
    )


def proven(patch: Patch, around: Surroundings, trials: int, logs: Path) -> Outcome:
    """Runs `prove` on a change."""
    with tempfile.TemporaryDirectory() as name:
        before = patch.before.write(Path(name) / "before")
        after = patch.before.write(Path(name) / "after", patch.files)
        options = ["--before", str(before), "--after", str(after), "--trials", str(trials)]
        status, seconds, output = _diagnostics(["prove", *options], patch.before, before, around)
    (logs / f"prove-{patch.name}.log").write_text(output, encoding="utf-8")
    expected = "reject" if patch.reason else "accept"
    return Outcome(key_of(patch, trials), patch.name, "prove", expected, status, seconds, _last(output))


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[int, int, list[str]]:
    """Returns how many lines of files changed, how many only in indentation, and the new files."""
    total = moved = 0
    for name, text in before.items():
        old, new = text.splitlines(), after.get(name, "").splitlines()
        count = _differing(old, new)
        total += count
        moved += count - _differing([line.strip() for line in old], [line.strip() for line in new])
    return total, moved, sorted({*after} - {*before})


def _differing(old: list[str], new: list[str]) -> int:
    return sum(line[0] in "+-" for line in list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:])


def _diagnostics(
    words: list[str], program: Program, folder: Path, around: Surroundings
) -> tuple[int | None, float, str]:
    start = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('diagnostics', run_name='__main__')"
    )
    given = [*words, "--yes", "--python", str(around.python), "--"]
    command = [sys.executable, "-P", "-c", start, str(ROOT), *given, *program.command]
    variables = around.variables(program, f"{program.name}-{words[0]}")
    began = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return None, LIMIT, str(error.output or "")
    finally:
        around.service.taken(f"{program.name}-{words[0]}")
    crashed = f'File "{ROOT / "diagnostics"}' in done.stdout  # a status of 1 is no verdict then
    return None if crashed else done.returncode, round(time.perf_counter() - began, 1), done.stdout


def _last(output: str) -> str:
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")[:300]


class Results:
    """Outcomes in a file, one a line; those of other code or another program are ignored."""

    def __init__(self, file: Path) -> None:
        self.file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        found: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self._by_key = {each["key"]: Outcome(**each) for each in found}

    def find(self, key: str) -> Outcome | None:
        """Returns the outcome of a key."""
        return self._by_key.get(key)

    def add(self, outcome: Outcome) -> None:
        """Keeps an outcome."""
        self._by_key[outcome.key] = outcome
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(outcome)) + "\n")
