"""What the reports of a large run cost: every row of the table of formats, in a process of its own.

The process that is measured is this module as a program: it reads a run folder, renders all of it and prints what that
took.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, Final

from benchmarks import ROOT
from benchmarks.figures import Bench, Figure
from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.event import Event
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.redaction import Secrets
from diagnostics.report.formats.drawing import NotDrawn
from diagnostics.report.formats.registry import FORMATS
from diagnostics.report.issues import issue
from diagnostics.report.issues.issue_model import NOT_RUN, Posting, choose_case
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.view.build import build_view
from diagnostics.runs.reader import read_run
from diagnostics.runs.writer import Store, new_meta

COUNT: Final = 5_000
_PROVIDERS = ("openai", "anthropic", "google-genai", "httpx2", "httpx")
_SYMPTOMS = ("none", "logged", "raised", "retried", "none")
_FIXES = ("none", "context-manager", "single-run", "runner", "never-close")
_TIMELINES_AT_MOST = 60


def measure(bench: Bench) -> list[Figure]:
    """Seconds and memory for all formats of one run together, and for each."""
    count = bench.count(COUNT)
    with tempfile.TemporaryDirectory(prefix="diagnostics-bench-") as folder:
        write_run(Path(folder), count)
        bench.say(f"{count:,} trials in {len(FORMATS)} formats, {len(PROJECTS)} projects")
        command = [sys.executable, "-m", __name__, folder]
        took = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    parts = {name: seconds for name, seconds in took["seconds"].items() if name != "all"}
    return [
        Figure(f"all formats of {count:,} trials", f"{took['seconds']['all']:.2f} s", goal="under 10 s"),
        Figure("  of the processor, with the start", f"{took['processor']:.2f} s"),
        Figure("memory of it", f"{took['peak'] / 2**20:.0f} MiB", goal="under 500 MB"),
        *(Figure(f"  {name}", f"{seconds:.2f} s") for name, seconds in parts.items()),
    ]


def write_run(folder: Path, count: int) -> None:
    """A run folder with so many trials, of which no two environments agree, and some timelines."""
    made = list(_trials(count))
    with Store(folder) as store:
        store.append(*made)
        store.put_meta(new_meta(("bench",), "full"))
        for trial in [each for each in made if each.instrumented and each.cell.is_baseline][:_TIMELINES_AT_MOST]:
            store.put_timeline(trial.key, _events())


def _trials(count: int) -> Iterator[Trial]:
    """Subject after subject, with every fix, uninstrumented twice and instrumented once."""
    number = 0
    for scenario, provider, release in product(range(100), _PROVIDERS, range(20)):
        packages = {"openai": f"2.{release}.0", "httpx2": "2.16.2", **{f"package-{each}": "1.0" for each in range(25)}}
        environment = Environment(f"py3.13_openai-2.{release}.0", "3.13.0", packages=packages)
        for fix, trial, instrumented in product(_FIXES, range(2), (False, True)):
            if instrumented and trial:
                continue
            if number == count:
                return
            cell = Cell(environment.name, provider, f"scenario-{scenario}", fix, Load())
            yield _trial(cell, environment, trial, number, instrumented=instrumented)
            number += 1


def _trial(cell: Cell, environment: Environment, trial: int, number: int, *, instrumented: bool) -> Trial:
    symptom = _SYMPTOMS[number // 3 % 5]
    traceback = "Traceback (most recent call last):\n" + '  File "site-packages/httpx2/_client.py", line 1\n' * 40
    return Trial(
        key=cell.key(trial, mode="fork", instrumented=instrumented),
        environment=environment,
        cell=cell,
        trial=trial,
        mode="fork",
        instrumented=instrumented,
        status="ran",
        symptom=symptom,
        evidence=f"{traceback}RuntimeError: {number}" if symptom != "none" else None,
        findings=(FindingCount("client-left-open", "leak", 2),) if instrumented else (),
        accounting=Accounting(15, 15, 15 + number % 2, 0, 5, 0.1 + number / 1e5, number % 3, 0, 0),
    )


def _events() -> Iterator[Event]:
    for number in range(1, 201):
        what = ("created", "used", "opened", "touched", "closed")[number % 5]
        subject = ("L1", "C1", "X1", "C1", "L2")[number % 5]
        yield Event(number, subject, "asyncio", what, "L1", "L2", thread="MainThread", at=number / 1000)


def _measured(folder: Path) -> dict[str, Any]:
    seconds: dict[str, float] = {}
    began = started = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal started
        now = time.perf_counter()
        seconds[name], started = now - started, now

    run = read_run(folder)
    lap("read")
    view = build_view(run, Secrets(user="marple", host="mead", home="/home/marple"))
    lap("view")
    for name, row in FORMATS.items():
        with suppress(NotDrawn):  # it needs an extra that is not installed: no time at all
            row.render(view)
        lap(name)
    for project in PROJECTS.values():
        issue.render(view, Posting(project, choose_case(view, project), NOT_RUN))
    lap("issue, for each project")
    seconds["all"] = time.perf_counter() - began
    return {"seconds": seconds, "processor": time.process_time(), "peak": _peak()}


def _peak() -> int:
    """The most memory that this process ever had, in bytes."""
    import resource  # noqa: PLC0415 - not on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measured(Path(sys.argv[1]))))
