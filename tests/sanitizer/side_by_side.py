"""Runs awkward programs with and without the sanitizer, and compares what a person or a parent process sees.

The programs are in `awkward/*.test`:

    [case NAME]           begins a program, `program.py`
    [shell COMMAND]       starts it; PY is the interpreter, RUN the sanitizer; by default `exec PY RUN program.py`
    [needs WORDS]         modules that it imports, `root`, `linux`, a Python version `3.11`, or versions `<3.12`
    [rare]                runs for the table only, not in the tests
    [file NAME]           begins another file of the folder it runs in

A line `MISTAKE` in a file uses a closed loop, which must be reported. As a command, this module writes the table:

    python tests/sanitizer/side_by_side.py 3.10 3.11 3.12 3.13 > docs/results/awkward.md

Each argument is a version that uv finds, or the path of an interpreter.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
FOLDER: Final = HERE / "awkward"
MODULES: Final = ("httpx==0.28.1", "aiohttp", "coverage", "gevent", "uvloop")
"""What the programs import, as requirements."""

MISTAKE: Final = (
    "exec('import asyncio as _a; _l = _a.new_event_loop(); _l.close()\\ntry: _l.call_soon(print)\\n"
    "except RuntimeError: pass\\ndel _a, _l')"
)
KIND: Final = "use-after-loop-close"
_DIRECTIVE: Final = re.compile(r"\[(case|shell|needs|file|rare) ?(.*)\]")
_REPORT: Final = re.compile(r"(?m)^(?:(?:error|leak|note)\[|diagnostics: )")


_LACKS: Final = """import importlib.util, os
def lacks(word):
    if word == 'root': return os.geteuid() != 0
    if word == 'linux': return sys.platform != 'linux'
    if word[0] == '<': return sys.version_info >= tuple(map(int, word[1:].split('.')))
    if word[0].isdigit(): return sys.version_info < tuple(map(int, word.split('.')))
    return importlib.util.find_spec(word) is None
"""


@dataclass
class AwkwardProgram:
    """A program of the set."""

    kind: str
    name: str
    shell: str = "exec PY RUN program.py"
    needs: tuple[str, ...] = ()
    rare: bool = False
    files: dict[str, str] = field(default_factory=dict)

    @property
    def mistaken(self) -> bool:
        """Whether it makes a mistake that must be reported."""
        return any(re.search(r"(?m)^\s*MISTAKE$", text) for text in self.files.values())


def programs() -> list[AwkwardProgram]:
    """The whole set."""
    found: list[AwkwardProgram] = []
    for path in sorted(FOLDER.glob("*.test")):
        file = "program.py"
        for line in path.read_text().splitlines(keepends=True):
            match = _DIRECTIVE.fullmatch(line.rstrip("\n"))
            if match is None:
                if found and (line.strip() or file in found[-1].files):
                    found[-1].files[file] = found[-1].files.get(file, "") + line
                continue
            what, words = match.groups()
            if what == "case":
                found.append(AwkwardProgram(path.stem, words))
                file = "program.py"
            elif what == "shell":
                found[-1].shell = words
            elif what == "needs":
                found[-1].needs = tuple(words.split())
            elif what == "rare":
                found[-1].rare = True
            else:
                file = words
    return found


def lacks(python: Path, needs: tuple[str, ...]) -> str:
    """The first thing that an interpreter lacks to run a program; empty if it has everything."""
    return _output(python, f"{_LACKS}print(next(filter(lacks, {needs!r}), ''))") if needs else ""


def difference(program: AwkwardProgram, python: Path, folder: Path) -> str:
    """Runs a program both ways.

    Args:
        program: the program.
        python: an interpreter that can import `diagnostics`.
        folder: an empty folder.

    Returns:
        What differs; empty if nothing does.
    """
    findings = folder / "findings.json"
    plain = _run(program, python, folder / "plain", "")
    sanitized = _run(program, python, folder / "sanitized", f"-m diagnostics run --json {findings} --")
    expected = dict(plain)
    if program.mistaken and plain["status"] == "0" and sanitized["status"] == "66":
        expected["status"] = "66"
    report = _REPORT.search(sanitized["stderr"])
    if report is not None:
        sanitized["stderr"] = sanitized["stderr"][: report.start()]
    found = [
        f"{name}: {expected.get(name)!r} became {sanitized.get(name)!r}"
        for name in sorted({*expected, *sanitized})
        if expected.get(name) != sanitized.get(name)
    ]
    kinds = {each["kind"] for each in json.loads(findings.read_text())["findings"]} if findings.exists() else set()
    if program.mistaken != (KIND in kinds):
        found.append(f"the report has {sorted(kinds)}")
    return "; ".join(found)


def _run(program: AwkwardProgram, python: Path, folder: Path, run: str) -> dict[str, str]:
    """Standard output, standard error, the exit status and every file that is there afterwards."""
    folder.mkdir()
    for name, text in program.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(re.sub(r"(?m)^(\s*)MISTAKE$", lambda match: match[1] + MISTAKE, text))
    named = {"PY": str(python), "RUN": run}
    command = re.sub(r"\b(PY|RUN)\b", lambda match: named[match[1]], program.shell)
    kept = ("PATH", "LD_LIBRARY_PATH")
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    variables |= {"HOME": str(folder), "LANG": "C.UTF-8"}
    words = ("/bin/sh", "-c", command)
    try:
        done = subprocess.run(
            words, cwd=folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except subprocess.TimeoutExpired:
        return {"status": f"did not end {'with' if run else 'without'} the sanitizer", "stdout": "", "stderr": ""}
    seen = {"status": str(done.returncode), "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            seen[str(path.relative_to(folder))] = path.read_bytes().decode(errors="replace")
    return {name: re.sub("0x[0-9a-fA-F]+", "0x", text.replace(str(folder), "FOLDER")) for name, text in seen.items()}


def install(python: Path) -> None:
    """Copies the sanitizer to the site-packages of an environment, where tools take it for an installed package."""
    purelib = _output(python, "import sysconfig; print(sysconfig.get_path('purelib'))")
    target, source = Path(purelib, "diagnostics"), HERE.parents[1] / "diagnostics"
    target.mkdir()
    for name in ("__init__.py", "__main__.py", "extras.py", "model", "async_tools", "sanitizer", "rewrite"):
        if (source / name).is_dir():
            shutil.copytree(source / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / name, target)
    subprocess.run([python, "-m", "compileall", "-q", target], check=True)


def main(wanted: list[str]) -> int:
    """Writes the table for some versions of Python."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a command in the background ignores it
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with tempfile.TemporaryDirectory() as folder:
        pythons = [_environment(each, Path(folder, f"environment-{number}")) for number, each in enumerate(wanted)]
        versions = [_output(python, "print('.'.join(map(str, sys.version_info[:3])))") for python in pythons]
        found = programs()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            columns = [list(pool.map(partial(_cell, python), found)) for python in pythons]
    differing = sum(cell == "differs" for column in columns for cell in column)
    rows = [[each.kind, each.name, *cells] for each, *cells in zip(found, *columns, strict=True)]
    print(
        "# Awkward programs\n\n"
        "Each program runs with and without the sanitizer. It is the same if its standard output, its standard error\n"
        "without the report, its exit status and the files that it leaves are the same, and its mistake is reported\n"
        "if it makes one. The programs are in `tests/sanitizer/awkward`.\n\n"
        f"Generated on {datetime.now(timezone.utc):%Y-%m-%d} by `tests/sanitizer/side_by_side.py`: "
        f"{len(rows)} programs, {differing} differences.\n"
    )
    for row in (["Kind", "Program", *versions], ["---"] * (2 + len(versions)), *rows):
        print(f"| {' | '.join(row)} |")
    return 1 if differing else 0


def _environment(python: str, folder: Path) -> Path:
    uv = shutil.which("uv") or "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True)
    made = folder / "bin" / "python"
    for module in MODULES:  # one by one, because not all have wheels for the newest Python
        options = ("--quiet", "--only-binary", ":all:", "--compile-bytecode", "--python", str(made))
        subprocess.run([uv, "pip", "install", *options, module], check=False, stderr=subprocess.DEVNULL)
    install(made)
    return made


def _cell(python: Path, program: AwkwardProgram) -> str:
    missing = lacks(python, program.needs)
    if missing:
        return f"needs {missing}"
    with tempfile.TemporaryDirectory() as folder:
        found = difference(program, python, Path(folder))
    if found:
        sys.stderr.write(f"{python} {program.kind}: {program.name}: {found}\n")
    return "differs" if found else "same"


def _output(python: Path, code: str) -> str:
    return subprocess.run(
        [python, "-c", f"import sys; {code}"], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
