"""What the six phases share: what a phase is, the options of its command, and the command itself.

    sys.exit(command(PHASE))

A phase plays trials in a session and answers its questions from what came back; both parts are plain functions, so the
answers can be tried on records of any origin.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.environments import default_cache
from diagnostics.lab.event_tail import EventListener
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.server import ServerError
from diagnostics.lab.target import (
    NEWEST,
    PlayedTrial,
    Target,
    TargetUnavailable,
    TrialSession,
    UnknownTarget,
    find_target,
)
from diagnostics.model.cell import BASELINE, Cell, Load
from diagnostics.model.codec import encode
from diagnostics.model.errors import (
    FAILED,
    INTERRUPTED,
    INVALID_USAGE,
    ArgumentParser,
    text,
    usage_text,
)
from diagnostics.model.event import EVENTS_SUFFIX, Event
from diagnostics.model.phase import PhaseAnswer, PhaseResult, read_phase
from diagnostics.phases.formats import markdown, show
from diagnostics.redaction import Secrets, redact
from diagnostics.redaction.records import redacted
from diagnostics.report.view.event_lines import told, trial_event
from diagnostics.runs import writer
from diagnostics.runs.layout import phase_file
from diagnostics.runs.upgrade import upgraded

__all__ = [
    "FAILING",
    "Phase",
    "PhaseOptions",
    "Play",
    "PlayedTrial",
    "TrialPlan",
    "command",
    "examine",
    "plans",
    "write",
]

FAILING = "sequential-classifiers"
"""The scenario of the debugging plan."""


@dataclass(frozen=True)
class PhaseOptions:
    """What a person asked for; `None` is what the phase would choose.

    Attributes:
        instrument: whether every trial is instrumented, and its events are printed as they happen.
        others: whether the phase may go beyond the target, to other environments (phase 5).
    """

    provider: str = "openai"
    runs: int | None = None
    calls: int | None = None
    concurrency: int | None = None
    trials: int | None = None
    instrument: bool = False
    others: bool = True

    def load(self, *, runs: int, calls: int, concurrency: int | None = None) -> Load:
        """A load, with what was asked for in place of the phase's own numbers."""
        calls = self.calls or calls
        return Load(self.runs or runs, calls, self.concurrency or min(concurrency or calls, calls))


class Play(Protocol):
    """Plays trials in the target of the phase."""

    target: Target

    def play(self, plans: Sequence[TrialPlan], *, at_once: int = 1) -> list[PlayedTrial]:
        """Returns them in the order of the plans."""

    def elsewhere(self, provider: str) -> Iterator[TrialSession]:
        """Other environments that are ready and have this provider, one after the other."""


@dataclass(frozen=True)
class Phase:
    """One phase of the debugging plan.

    Attributes:
        play: the trials that answer its questions.
        answers: what they say; pure.
        compare: what differs between two runs of it, where that is a question.
    """

    number: int
    title: str
    play: Callable[[Play, PhaseOptions], list[PlayedTrial]]
    answers: Callable[[Sequence[PlayedTrial], PhaseOptions], tuple[PhaseAnswer, ...]]
    compare: Callable[[PhaseResult, PhaseResult], PhaseAnswer] | None = None


def plans(
    environment: str,
    provider: str,
    scenario: str,
    load: Load,
    *,
    trials: int,
    fix: str = BASELINE,
    instrumented: bool = False,
) -> list[TrialPlan]:
    """The trials of one cell."""
    cell = Cell(environment, provider, scenario, fix, load)
    return [TrialPlan(cell, trial, "fork", instrumented=instrumented) for trial in range(trials)]


def examine(phase: Phase, session: Play, choice: PhaseOptions) -> tuple[PhaseResult, list[PlayedTrial]]:
    """Plays a phase and answers its questions; what it found out holds what may leave, and nothing else."""
    started, clock = writer.now(), time.perf_counter()
    played = phase.play(session, choice)
    answers = phase.answers(played, choice)
    environments = {each.trial.environment.name: each.trial.environment for each in played}
    found = PhaseResult(
        number=phase.number,
        title=phase.title,
        provider=choice.provider,
        environment=session.target.environment,
        machine=writer.this_machine(),
        started=started,
        seconds=round(time.perf_counter() - clock, 3),
        answers=answers,
        trials=tuple(each.trial for each in played),
        environments=tuple(environments.values()),
    )
    return redacted(found, Secrets.of_this_machine()), played


def write(found: PhaseResult, played: Sequence[PlayedTrial], folder: Path) -> None:
    """Writes `phaseN.json`, `phaseN.md` and, where something was instrumented, `phaseN.events.jsonl`.

    Raises:
        StoreError: the disk refuses.
    """
    writer.write_record(phase_file(folder, found.number), found)
    writer.write_whole(phase_file(folder, found.number, ".md"), markdown(found))
    events = [
        trial_event(each.trial.key, each.trial.cell, each.trial.trial, event)
        for each in played
        for event in each.events
    ]
    if events:
        writer.write_lines(phase_file(folder, found.number, EVENTS_SUFFIX), events)


def read(phase: Phase, run: Path) -> PhaseResult:
    """What an earlier run of a phase found out.

    Args:
        run: its folder, or its `phaseN.json`.

    Raises:
        StoreError: there is none, or it is not one.
    """
    file = run if run.suffix == ".json" else phase_file(run, phase.number)
    try:
        return read_phase(upgraded(json.loads(file.read_bytes())))
    except OSError as error:
        raise writer.StoreError(f"{file} cannot be read ({error.strerror}): name a run folder of this phase") from error
    except ValueError as error:
        raise writer.StoreError(f"{file} is not what a phase writes: {error}") from error


def printer(*, as_json_lines: bool) -> EventListener:
    """Prints events as they happen, with a line above those of each trial."""
    last: list[str] = []

    def tell(plan: TrialPlan, event: Event) -> None:
        cell = plan.cell
        if as_json_lines:
            print_line(json.dumps(encode(trial_event(plan.key, cell, plan.trial, event))))
            return
        if last != [plan.key]:
            last[:] = [plan.key]
            print_line(f"--- {cell.scenario}, fix {cell.fix}, {cell.load.runs} runs, trial {plan.trial + 1}")
        print_line(told(event))

    return tell


def print_line(line: str) -> None:
    """To standard output, at once: a phase may take a while."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def clean(cache: Path) -> Callable[[str], str]:
    """Takes secrets and this machine's folders out of a text."""
    return partial(redact, secrets=Secrets.of_this_machine(folders={"cache": str(cache)}))


def program(phase: Phase) -> str:
    """How a person starts a phase."""
    return f"python -m diagnostics.phase{phase.number}"


def options(phase: Phase) -> ArgumentParser:
    """The command line of a phase."""
    parser = ArgumentParser(
        prog=program(phase),
        description=f"Phase {phase.number} of the debugging plan: {phase.title}.",
        epilog="Exit status: 0 at least one question is answered; 1 none is, or an error occurred; 2 invalid usage; "
        "130 interrupted.",
    )
    parser.add_argument(
        "--provider",
        default="openai",
        choices=list(PROVIDERS),
        help="diagnose this provider's client (openai)",
    )
    for name, what in (
        ("runs", "enter the event loop so many times in a trial"),
        ("calls", "make so many calls per run"),
        ("concurrency", "allow so many calls in flight at once"),
        ("trials", "run so many trials of each combination and fix"),
    ):
        aliases = ("--jets",) if name == "calls" else ()
        parser.add_argument(f"--{name}", *aliases, dest=name, type=_positive, metavar="N", help=what)
    parser.add_argument("--instrument", action="store_true", help="instrument every trial and print its events")
    parser.add_argument(
        "--environment",
        metavar="SLUG",
        help=f"use this environment of the matrix, or {NEWEST}; by default, this Python",
    )
    parser.add_argument("--as-of", metavar="DATE", help="install the releases of this day into that environment")
    parser.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="write to this folder")
    parser.add_argument("--json", action="store_true", help="print JSON: events as lines, then the answers")
    parser.add_argument(
        "--offline", action="store_true", help="install from the caches only, without the package index"
    )
    if phase.compare is not None:
        parser.add_argument("--compare", type=Path, metavar="RUN", help="compare with the same phase of this run")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def command(phase: Phase, arguments: Sequence[str] | None = None) -> int:
    """Runs the command of a phase.

    Returns:
        The exit status: 0 where at least one question was answered.
    """
    asked = options(phase).parse_args(arguments)
    choice = PhaseOptions(
        asked.provider, asked.runs, asked.calls, asked.concurrency, asked.trials, instrument=asked.instrument
    )
    cache = default_cache()
    try:
        other = read(phase, asked.compare) if getattr(asked, "compare", None) else None
        target = find_target(asked.provider, asked.environment, cache=cache, offline=asked.offline, as_of=asked.as_of)
        tell = printer(as_json_lines=asked.json) if asked.instrument else None
        with writer.new_folder(asked.reports) as folder:
            with TrialSession(target, cache=cache, redact=clean(cache), tell=tell) as session:
                found, played = examine(phase, session, choice)
            if other is not None and phase.compare is not None:
                found = replace(found, answers=(*found.answers, phase.compare(found, other)))
            write(found, played, folder)
    except UnknownTarget as error:
        sys.stderr.write(usage_text(str(error), program(phase)))
        return INVALID_USAGE
    except (TargetUnavailable, writer.StoreError, ServerError, OSError) as error:
        sys.stderr.write(text(str(error)))
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    if asked.json:
        print_line(json.dumps(encode(found)))
    else:
        show(found)
        print_line(f"\nWritten to {folder}/phase{phase.number}.md and .json")
    return 0 if found.found_out else 1
