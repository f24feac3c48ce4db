"""One run of a program in a copy of its folder, under the sanitizer and chosen conditions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from diagnostics.model.parent_death import end_with
from diagnostics.rewrite.proof.copies import Tree, sources
from diagnostics.sanitizer.process.conditions import SEPARATOR, VARIABLE
from diagnostics.sanitizer.process.other_python import CONTINUED, continued

COPY: Final = "<copy>"
"""Stands for the folder of a run in what it printed."""

LARGEST_OUTPUT: Final = 4 * 2**20
"""Bytes of a stream that are kept and compared."""

GRACE: Final = 20.0
"""Seconds that the supervisor has for its report, after the limit of the program."""


_GROUP: Final = {"start_new_session": True} if hasattr(os, "killpg") else {}
"""Where the system has sessions, a run is ended with all that it has started."""


@dataclass(frozen=True)
class Program:
    """A program, and how it is run.

    Attributes:
        words: a script or `-m` and a module, and arguments.
        python: the interpreter.
        variables: the environment.
        limit: seconds for a run.
    """

    words: tuple[str, ...]
    python: Path
    variables: Mapping[str, str]
    limit: float


@dataclass(frozen=True)
class Conditions:
    """What differs between runs.

    Attributes:
        collector: `on`, `off` or `forced`.
        seed: of the points of forced collections, and of the order.
        order: whether the order in which ready connections are served is varied.
    """

    collector: str = "on"
    seed: int = 0
    order: bool = False

    def __str__(self) -> str:
        order = ", order of connections varied" if self.order else ""
        return f"collector {self.collector}{order}, seed {self.seed}"


@dataclass(frozen=True)
class Observation:
    """What one run did.

    Attributes:
        status: exit status; negative for a signal; `None` if its time was over first.
        output: standard output; `errors` is standard error.
        document: the findings, as `run --json` writes them; paths are those of the person's folder.
        seconds: wall clock, start of the interpreter included.
        collections: forced ones; `orders`: how often an order was chosen.
        connections: opened; `sockets`: still open at the end, -1 if unknown.
        reads_input: whether it read from standard input.
        rewritten: Python files that the program itself changed.
    """

    conditions: Conditions
    status: int | None
    output: str
    errors: str
    document: Mapping[str, Any]
    seconds: float
    collections: int = 0
    orders: int = 0
    connections: int = 0
    sockets: int = -1
    reads_input: bool = False
    rewritten: tuple[str, ...] = ()

    @property
    def causes(self) -> Sequence[Mapping[str, Any]]:
        """The root causes."""
        causes: Sequence[Mapping[str, Any]] = self.document["root_causes"]
        return causes


@dataclass
class Runner:
    """Runs copies of programs, several at once, and ends them all when it is interrupted.

    Attributes:
        at_once: runs that may overlap.
    """

    at_once: int = 1
    _running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: bool = False

    def observe_all(self, program: Program, tree: Tree, conditions: Sequence[Conditions]) -> list[Observation]:
        """Returns an observation for each of the conditions, at most `at_once` of them at the same time.

        Raises:
            OSError: a copy cannot be made, or the interpreter cannot be started.
        """
        with ThreadPoolExecutor(max(1, min(self.at_once, len(conditions)))) as pool:
            futures = [pool.submit(self.observe, program, tree, each) for each in conditions]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
                return [future.result() for future in futures]
            except BaseException:
                self._end_all()
                pool.shutdown(cancel_futures=True)
                raise

    def observe(self, program: Program, tree: Tree, conditions: Conditions) -> Observation:
        """Runs a program once, in a new copy of a tree."""
        with tempfile.TemporaryDirectory(prefix="diagnostics-", ignore_cleanup_errors=True) as name:
            scratch = Path(name).resolve()
            folder = scratch / "program" / tree.root.name
            folder.parent.mkdir()
            tree.copy(folder)
            started = time.monotonic()
            status, reads = self._run(program, tree.root, folder, conditions, scratch)
            seconds = time.monotonic() - started
            before, after = sources(tree.root) | tree.encoded(), sources(folder)
            rewritten = sorted(path for path, data in before.items() if after.get(path) != data)
            return Observation(
                conditions,
                output=_kept(scratch / "stdout", folder),
                errors=_kept(scratch / "stderr", folder),
                seconds=seconds,
                reads_input=reads,
                rewritten=tuple(rewritten),
                **_reported(scratch, folder, tree.root, status),
                **_counts(scratch / "counts"),
            )

    def _run(
        self, program: Program, root: Path, folder: Path, conditions: Conditions, scratch: Path
    ) -> tuple[int | None, bool]:
        options = ["--json", str(scratch / "findings.json"), "--output", os.devnull, "--timeout", str(program.limit)]
        options += ["--all", "--exit-code", "0", "--leaks", "report", "--format", "text", "--color", "never", "--"]
        words = [_inside(word, root, folder) for word in program.words]
        asked = (conditions.collector, conditions.seed, "varied" if conditions.order else "as it is")
        where = (root, folder, scratch / "counts")
        variables = {**program.variables, CONTINUED: "yes", VARIABLE: SEPARATOR.join(map(str, (*asked, *where)))}
        with _one_line() as source, (scratch / "stdout").open("wb") as out, (scratch / "stderr").open("wb") as err:
            process = self._start(
                [str(program.python), *continued([*options, *words])],
                cwd=folder,
                env=variables,
                stdin=source,
                stdout=out,
                stderr=err,
                **_GROUP,
                preexec_fn=partial(end_with, os.getpid()) if _GROUP else None,
            )
            try:
                status: int | None = process.wait(program.limit + GRACE)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                self._end(process)
            return status, not _is_unread(source)

    def _start(self, words: list[str], **options: Any) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._over:
                raise KeyboardInterrupt
            process = subprocess.Popen(words, **options)
            self._running[process.pid] = process
            return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ends a process with all that it has started."""
        _kill(process)
        process.wait()
        with self._lock:
            self._running.pop(process.pid, None)

    def _end_all(self) -> None:
        with self._lock:
            self._over = True
            running = list(self._running.values())
        for process in running:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if _GROUP:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


@contextmanager
def _one_line() -> Iterator[int]:
    """Standard input with one line: whether it was read can be seen afterwards."""
    reader, writer = os.pipe()
    try:
        os.write(writer, b"\n")
        os.close(writer)
        os.set_inheritable(reader, True)
        yield reader
    finally:
        os.close(reader)


def _is_unread(reader: int) -> bool:
    return os.read(reader, 1) == b"\n"


def _inside(word: str, root: Path, folder: Path) -> str:
    """Returns an argument; a path into the person's folder leads to the copy."""
    return str(folder) + word[len(str(root)) :] if word == str(root) or word.startswith(f"{root}{os.sep}") else word


def _kept(file: Path, folder: Path) -> str:
    with file.open("rb") as stream:
        text = stream.read(LARGEST_OUTPUT).decode(errors="backslashreplace")
    return text.replace(str(folder), COPY)


def _reported(scratch: Path, folder: Path, root: Path, status: int | None) -> dict[str, Any]:
    """Returns the document, and the program's own exit status."""
    try:
        text = (scratch / "findings.json").read_text(encoding="utf-8")
        document = json.loads(text.replace(json.dumps(str(folder))[1:-1], json.dumps(str(root))[1:-1]))
    except (OSError, ValueError):
        unknown = {"exit_code": status}
        return {"status": status, "document": {"program": unknown, "root_causes": [], "findings": [], **_NOTHING}}
    return {"status": document["program"]["exit_code"], "document": document}


_NOTHING: Final = {
    "accounting": {"calls": 0, "requests": 0},
    "cannot_tell": ["the program ran without the sanitizer"],
    "environment": {},
}


def _counts(file: Path) -> dict[str, Any]:
    try:
        values = map(int, file.read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return {}
    return dict(zip(("collections", "orders", "connections", "sockets"), values, strict=False))
