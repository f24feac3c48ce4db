"""`python -m benchmarks fix`: the corpus is checked, then `fix` and `prove` are measured on it."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.fixes import generated, patches
from benchmarks.fixes.checking import defects
from benchmarks.fixes.corpus import Program, with_twins, written
from benchmarks.fixes.figures import summary, write
from benchmarks.fixes.running import ROOT, Outcome, Results, fixed, key_of, proven
from benchmarks.fixes.surroundings import Surroundings, surroundings

PAGE = ROOT / "docs" / "results" / "fix.md"
PARTS = ("check", "fix", "alone", "prove")


def measure(
    only: Annotated[
        list[str] | None, typer.Option(help="How names of programs and changes begin; may be given again.")
    ] = None,
    part: Annotated[list[str] | None, typer.Option(help=f"Any of {', '.join(PARTS)}; all by default.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Take programs in an order drawn from this, so that a part is a sample.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Programs at a time.")] = 2,
    trials: Annotated[int, typer.Option(min=1, help="Runs of each candidate.")] = 20,
    folder: Annotated[Path, typer.Option(help="Where outcomes and logs are kept.")] = ROOT / "build" / "fixes",
    page: Annotated[bool, typer.Option("--write", help="Write the figures into docs/results/fix.md.")] = False,
) -> None:
    """Measure `fix` and `prove` on the corpus of benchmarks/fixes.

    The parts check the corpus, run fix where there is a fault and where it must leave a program alone, and run prove.
    An outcome is kept until this project's code or the program changes, so that a second run continues the first.

    Exit status: 0 measured, 1 the corpus is not what it says, 2 invalid usage.
    """
    chosen = part or list(PARTS)
    if unknown := [name for name in chosen if name not in PARTS]:
        sys.stderr.write(f"benchmarks: there is no part {unknown[0]!r}; choose from {', '.join(PARTS)}\n")
        sys.exit(2)
    everything = with_twins([*written(), *generated.programs()])
    programs = [each for each in everything if _asked(each.name, only)]
    if seed is not None:
        random.Random(seed).shuffle(programs)  # noqa: S311 - to be repeated, not to be secret
    changes = [each for each in [*patches.wrong(everything), *patches.right(everything)] if _asked(each.name, only)]
    folder.mkdir(parents=True, exist_ok=True)
    results = Results(folder / "results.jsonl")
    with surroundings() as around, ThreadPoolExecutor(jobs) as pool:
        if "check" in chosen and not _checked(programs, around, pool):
            sys.exit(1)
        work: list[partial[Outcome]] = []
        for name, faulty in (("fix", True), ("alone", False)):
            asked = [each for each in programs if (each.fault == "first-party") is faulty]
            work += [partial(fixed, each, around, trials, folder) for each in asked if name in chosen]
        if "prove" in chosen:
            work += [partial(proven, each, around, trials, folder) for each in changes]
        outcomes = list(pool.map(partial(_outcome, results), work))
    for what, figure, goal in summary(outcomes):
        sys.stdout.write(f"{what}: {figure}{f' (goal: {goal})' if goal else ''}\n")
    if page:
        write(PAGE, outcomes)


def _asked(name: str, only: list[str] | None) -> bool:
    return not only or any(name.startswith(word) for word in only)


def _checked(programs: Iterable[Program], around: Surroundings, pool: ThreadPoolExecutor) -> bool:
    right = True
    listed = list(programs)
    for program, found in zip(listed, pool.map(lambda each: defects(each, around), listed), strict=True):
        right = right and not found
        for each in found:
            sys.stderr.write(f"{program.name}: {each}\n")
    return right


def _outcome(results: Results, run: partial[Outcome]) -> Outcome:
    subject, _, trials, _ = run.args
    key = key_of(subject, trials)
    outcome = results.find(key)
    if outcome is None:
        outcome = run()
        results.add(outcome)
    mark = "ok  " if outcome.right else "FAIL"
    sys.stderr.write(
        f"{mark} {outcome.part} {outcome.name}: {outcome.lines} lines, {outcome.seconds} s; {outcome.said}\n"
    )
    for each in outcome.hidden:
        sys.stderr.write(f"       hidden test: {each}\n")
    return outcome
