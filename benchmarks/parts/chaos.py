"""What trials need is taken away at moments drawn from a seed: does any verdict come from that, and is it all said?

A full disk is imitated by a limit on the size of files, which needs no rights: all of the run has it, or its trials.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from benchmarks.figures import Bench, Figure
from benchmarks.parts.killed_runs import lines_of, run_in
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import prepare
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.redaction import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.runs.layout import RUN, TRIALS
from diagnostics.runs.reader import RunError, read_run, stored_trials

MOMENTS = 50
PATIENCE = 300.0
"""Seconds after which a run that does not end has failed."""

TRIALS_EACH: Final = 4
FIXES: Final = ("context-manager", "never-close")

COLD: Final = 0.2
"""The share of runs whose trials are new interpreters: they import everything while things go missing."""


@dataclass(frozen=True)
class Found:
    """What a run found: the status and symptom of each trial by its key, and the verdict on each fix."""

    outcomes: Mapping[str, tuple[str, str | None]]
    verdicts: Mapping[str, str]


@dataclass(frozen=True)
class Place:
    """What a run has for itself, so that it can be taken away."""

    root: Path

    @property
    def cache(self) -> Path:
        """Environments, and the code that runs in them."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """The certificate, and the files of the trials."""
        return self.root / "tmp"

    @property
    def reports(self) -> Path:
        """The run folders; nothing is taken from there."""
        return self.root / "reports"

    def furnish(self, cache: Path) -> None:
        """Puts there what is missing; an environment is linked, because a copy takes a second."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.cache, ignore_errors=True)
        shutil.copytree(cache, self.cache, symlinks=True, copy_function=os.link)


def _remove(*paths: Path) -> None:
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)
        with suppress(IsADirectoryError):  # the run has written something there meanwhile
            path.unlink(missing_ok=True)


def _fill(process: psutil.Process, *, all_of_it: bool) -> None:
    for each in [*([process] if all_of_it else ()), *process.children(recursive=True)]:
        with suppress(psutil.Error):  # it has ended
            each.rlimit(psutil.RLIMIT_FSIZE, (0, 0))


LOSSES: Final[dict[str, Callable[[Place, psutil.Process], None]]] = {
    "certificate": lambda place, _: _remove(*place.temporary.glob("*/ca.pem")),
    "temporary folder": lambda place, _: _remove(place.temporary),
    "folder of the trials": lambda place, _: _remove(*place.temporary.glob("diagnostics-trials-*")),
    "cache": lambda place, _: _remove(place.cache),
    "environment": lambda place, _: _remove(*place.cache.glob("environments/py*")),
    "package": lambda place, _: _remove(*place.cache.glob("environments/py*/lib/*/site-packages/anyio")),
    "staged code": lambda place, _: _remove(*place.cache.glob("inside/*")),
    "disk": lambda _, process: _fill(process, all_of_it=True),
    "disk of the trials": lambda _, process: _fill(process, all_of_it=False),
}


@dataclass(frozen=True)
class Disturbed:
    """One run that lost something, and was resumed with `--retry broken` when that was back.

    Attributes:
        lost: what was taken away.
        ran: trials that ran all the same.
        broken: trials that could not be judged.
        differing: trials and verdicts that ran and are not those of the undisturbed run.
        silent: 1 if trials are broken or missing and the run did not say so with status 1 and one line.
        after: trials that are not those of the undisturbed run once it was resumed.
    """

    lost: str
    ran: int
    broken: int
    differing: int
    silent: int
    after: int


def measure(bench: Bench) -> list[Figure]:
    """Small runs that lose something, each in a place of its own."""
    count = bench.count(MOMENTS)
    bench.say(f"{count} runs, each loses something and is resumed")
    found = list(disturb(smallest(), bench.cache, seeds=range(count)))
    lost = Counter(one.lost for one in found)
    return [
        Figure("runs that lost something", f"{count}: " + ", ".join(f"{n} {what}" for what, n in lost.most_common())),
        Figure("of these, with trials that could not be judged", str(sum(one.broken > 0 for one in found))),
        Figure("trials that ran; that are broken", f"{sum(o.ran for o in found)}; {sum(o.broken for o in found)}"),
        Figure("trials and verdicts that differ", str(sum(one.differing for one in found)), goal="0"),
        Figure("runs that did not say so", str(sum(one.silent for one in found)), goal="0"),
        Figure("trials that differ after --retry broken", str(sum(one.after for one in found)), goal="0"),
    ]


def smallest() -> Combination:
    """The environment with the fewest files: it is copied for each run."""
    return next(combination for combination in load_matrix() if combination.value("groq") is not None)


def disturb(combination: Combination, cache: Path, seeds: Iterable[int]) -> Iterator[Disturbed]:
    """Yields what became of each run, after undisturbed ones have shown what is right."""
    prepared = prepare(combination, cache=cache)
    environment = prepared.python.parent.parent
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder, "base")
        shutil.copytree(environment, base / "environments" / environment.name, symlinks=True)

        @functools.cache
        def right(mode: tuple[str, ...]) -> Found:
            place = Place(Path(folder, "right", *mode))
            place.furnish(base)
            _start(combination, place, *mode).communicate(timeout=PATIENCE)
            found = _found(place)
            if {status for status, _ in found.outcomes.values()} != {"ran"}:
                raise RunError("the undisturbed run has failed")
            return found

        for seed in seeds:
            dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
            place, mode = Place(Path(folder, str(seed))), ("--cold",) if dice.random() < COLD else ()
            place.furnish(base)
            yield _disturbed(combination, place, base, mode, right(mode), dice)
            shutil.rmtree(place.root, ignore_errors=True)


def _disturbed(
    combination: Combination, place: Place, base: Path, mode: tuple[str, ...], right: Found, dice: random.Random
) -> Disturbed:
    lost = dice.choice(list(LOSSES))
    process = _start(combination, place, *mode)
    _wait(process, place, dice, len(right.outcomes))
    if process.poll() is None:
        LOSSES[lost](place, psutil.Process(process.pid))
    _, errors = process.communicate(timeout=PATIENCE)
    found = _found(place)
    ran = {key: outcome for key, outcome in found.outcomes.items() if outcome[0] == "ran"}
    broken = sum(status == "broken" for status, _ in found.outcomes.values())
    others = len(found.outcomes) - len(ran) - broken
    wrong = sum(right.outcomes.get(key) != outcome for key, outcome in ran.items())
    wrong += sum(right.verdicts.get(fix) != verdict for fix, verdict in found.verdicts.items())
    said = process.returncode == 1 and errors.splitlines()[-1].startswith("error: ") and "Traceback" not in errors
    whole = process.returncode == 0 and len(ran) == len(right.outcomes)
    place.furnish(base)
    run = run_in(place.reports)
    again = ["--resume", str(run), "--retry", "broken"] if (run / RUN).exists() else mode
    _start(combination, place, *again).communicate(timeout=PATIENCE)
    after = len(set(right.outcomes.items()) ^ set(_found(place).outcomes.items()))
    return Disturbed(lost, len(ran), broken, wrong + others, int(not (said or whole)), after)


def _wait(process: subprocess.Popen[str], place: Place, dice: random.Random, trials: int) -> None:
    """Waits until so many trials are stored and a little longer; one time in four, for a part of the start."""
    enough = dice.randrange(trials)
    if dice.random() < 0.25:
        time.sleep(dice.random() * 3)
        return
    while process.poll() is None and lines_of(run_in(place.reports) / TRIALS) < enough:
        time.sleep(0.002)
    time.sleep(dice.random() * 0.1)


def _start(combination: Combination, place: Place, *more: str) -> subprocess.Popen[str]:
    """The smallest run of one environment that has verdicts."""
    cells = ["--provider", "httpx", "--scenario", "repeated-run", *(word for fix in FIXES for word in ("--fix", fix))]
    size = ["--trials", str(TRIALS_EACH), "--runs", "2", "--calls", "1", "--concurrency", "1", "--instrument", "off"]
    where = ["--environment", combination.slug, "--offline", "--reports", str(place.reports)]
    return subprocess.Popen(
        [sys.executable, "-m", "diagnostics", "repro", *cells, *size, *where, *more],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(place.temporary), "DIAGNOSTICS_CACHE": str(place.cache)},
    )


def _found(place: Place) -> Found:
    try:
        view = build_view(read_run(run_in(place.reports)), Secrets())
        trials = stored_trials(run_in(place.reports))
    except RunError:  # it ended before its first trial
        return Found({}, {})
    judged = [subject for subject in view.subjects if subject.baseline is not None and subject.baseline.trials]
    return Found(
        {trial.key: (trial.status, trial.symptom) for trial in trials},
        {outcome.fix: outcome.verdict for subject in judged for outcome in subject.fixes if outcome.verdict},
    )
