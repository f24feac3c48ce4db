"""`kill -9` of a run at moments drawn from a seed, and `--resume`: is every trial there once, and is anybody left?"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.figures import Bench, Figure
from diagnostics.lab.combination import Combination
from diagnostics.runs.layout import TRIALS
from diagnostics.runs.reader import stored_trials

MOMENTS = 50
PATIENCE = 60.0
"""Seconds after which what is still there is left behind."""


@dataclass(frozen=True)
class Killed:
    """One run that was killed and gone on with.

    Attributes:
        kept: trials it had stored when it was killed.
        missing: trials that are not there in the end.
        twice: trials that are stored more than once, or were never planned.
        differing: trials whose status or symptom is not that of the undisturbed run.
        left: processes that outlived it.
    """

    kept: int
    missing: int
    twice: int
    differing: int
    left: int


def measure(bench: Bench) -> list[Figure]:
    """A small run, killed again and again in new folders."""
    count = bench.count(MOMENTS)
    bench.say(f"{count} runs, killed and gone on with")
    killed = list(kill_and_resume(bench.combination, seeds=range(count)))
    kept = [one.kept for one in killed]
    return [
        Figure("runs killed", f"{count}, with {min(kept)} to {max(kept)} trials stored, at {len(set(kept))} counts"),
        Figure("trials missing after --resume", str(sum(one.missing for one in killed)), goal="0"),
        Figure("trials there twice", str(sum(one.twice for one in killed)), goal="0"),
        Figure("trials that differ from the undisturbed run", str(sum(one.differing for one in killed)), goal="0"),
        Figure("processes that outlived their run", str(sum(one.left for one in killed)), goal="0"),
    ]


def kill_and_resume(combination: Combination, seeds: Iterable[int], *, trials: int = 12) -> Iterable[Killed]:
    """Yields what became of each run, after one undisturbed run has shown the expected trials."""
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = _start(combination, trials, Path(folder))
        if undisturbed.wait(10 * PATIENCE):
            raise subprocess.CalledProcessError(undisturbed.returncode, undisturbed.args)
        wanted = dict(_stored(Path(folder)))
    for seed in seeds:
        dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        with tempfile.TemporaryDirectory() as folder:
            left = _kill(_start(combination, trials, Path(folder)), Path(folder), dice, len(wanted))
            kept = len(_stored(Path(folder)))
            again = _start(combination, trials, Path(folder), "--resume", str(run_in(Path(folder))))
            if again.wait(10 * PATIENCE):
                raise subprocess.CalledProcessError(again.returncode, again.args)
            stored = _stored(Path(folder))
        times = Counter(key for key, _ in stored)
        twice = times.total() - len(times) + len(set(times) - set(wanted))
        differing = sum(outcome != wanted.get(key) for key, outcome in stored)
        yield Killed(kept, len(set(wanted) - set(times)), twice, differing, left)


def _kill(process: subprocess.Popen[bytes], reports: Path, dice: random.Random, trials: int) -> int:
    """Kills a run once it has stored so many trials and a little later; returns how many of its children are left."""
    enough = dice.randrange(trials)
    while process.poll() is None and lines_of(run_in(reports) / TRIALS) < enough:
        time.sleep(0.002)
    time.sleep(dice.random() * 0.05)
    process.kill()
    process.wait()
    deadline = time.monotonic() + PATIENCE
    while (left := sum(_is_in(reports, other) for other in psutil.process_iter())) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def run_in(reports: Path) -> Path:
    """Returns the newest run folder; `latest` points to it only once it has ended well.

    There is an older one where a run could not begin, so that nothing could be resumed.
    """
    return max((path for path in reports.glob("2*") if path.is_dir()), default=reports / "latest")


def lines_of(file: Path) -> int:
    """Returns how many lines a file has; -1 while there is none."""
    return file.read_bytes().count(b"\n") if file.exists() else -1


def _is_in(folder: Path, process: psutil.Process) -> bool:
    """Whether a process works below a folder: workers and trials of a run do, whatever their parent is by now."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(folder.resolve())
    except (psutil.Error, OSError):
        return False


def _start(combination: Combination, trials: int, reports: Path, *more: str) -> subprocess.Popen[bytes]:
    """The smallest run of one environment, as a person would start it."""
    cells = ["--provider", combination.generation or "openai", "--scenario", "repeated-run", "--fix", "context-manager"]
    size = ["--trials", str(trials), "--runs", "1", "--calls", "1", "--concurrency", "1"]
    where = ["--environment", combination.slug, "--offline", "--reports", str(reports)]
    return subprocess.Popen(
        [sys.executable, "-m", "diagnostics", "repro", *cells, *size, *where, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(reports)},
    )


def _stored(reports: Path) -> list[tuple[str, tuple[str, str | None]]]:
    """Returns the key of each trial, with its status and symptom."""
    return [(trial.key, (trial.status, trial.symptom)) for trial in stored_trials(run_in(reports))]
