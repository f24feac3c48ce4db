"""The command of a phase, such as `python -m diagnostics.phase3 --instrument`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.environments import default_cache
from diagnostics.lab.event_tail import EventListener
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.redactor import redactor
from diagnostics.lab.server import ServerError
from diagnostics.lab.session import open_session
from diagnostics.lab.target import NEWEST, TargetUnavailable, UnknownTarget, find_target
from diagnostics.model.codec import encode
from diagnostics.model.errors import FAILED, INTERRUPTED, INVALID_USAGE, ArgumentParser, text, usage_text
from diagnostics.model.event import Event
from diagnostics.phases.formats import show
from diagnostics.phases.plan import Phase, PhaseOptions
from diagnostics.phases.record import read_earlier, run_phase, write_phase
from diagnostics.report.view.event_lines import told, trial_event
from diagnostics.runs import writer


def event_printer(*, as_json: bool) -> EventListener:
    """Returns a listener that prints events as they happen, with a heading for each trial."""
    last = ""

    def on_event(plan: TrialPlan, event: Event) -> None:
        nonlocal last
        cell = plan.cell
        if as_json:
            print_line(json.dumps(encode(trial_event(plan.key, cell, plan.trial, event))))
            return
        if last != plan.key:
            last = plan.key
            print_line(f"--- {cell.scenario}, fix {cell.fix}, {cell.load.runs} runs, trial {plan.trial + 1}")
        print_line(told(event))

    return on_event


def print_line(line: str) -> None:
    """Prints a line at once, because a phase takes a while."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def program(phase: Phase) -> str:
    """Returns how a person starts a phase."""
    return f"python -m diagnostics.phase{phase.number}"


def build_parser(phase: Phase) -> ArgumentParser:
    """Returns the command line of a phase."""
    parser = ArgumentParser(
        prog=program(phase),
        description=f"Run phase {phase.number} of `diagnose`: {phase.title}.",
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
        The exit status: 0 if at least one question was answered.
    """
    given = build_parser(phase).parse_args(arguments)
    options = PhaseOptions(
        given.provider, given.runs, given.calls, given.concurrency, given.trials, instrument=given.instrument
    )
    cache = default_cache()
    try:
        earlier = read_earlier(phase, given.compare) if getattr(given, "compare", None) else None
        target = find_target(given.provider, given.environment, cache=cache, offline=given.offline, as_of=given.as_of)
        on_event = event_printer(as_json=given.json) if given.instrument else None
        with writer.new_folder(given.reports) as folder:
            with open_session(target, cache=cache, redact=redactor(cache), on_event=on_event) as session:
                record, results = run_phase(phase, session, options)
            if earlier is not None and phase.compare is not None:
                record = replace(record, answers=(*record.answers, phase.compare(record, earlier)))
            write_phase(record, results, folder)
    except UnknownTarget as error:
        sys.stderr.write(usage_text(str(error), program(phase)))
        return INVALID_USAGE
    except (TargetUnavailable, writer.StoreError, ServerError, OSError) as error:
        sys.stderr.write(text(str(error)))
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    if given.json:
        print_line(json.dumps(encode(record)))
    else:
        show(record)
        print_line(f"\nWritten to {folder}/phase{phase.number}.md and .json")
    return 0 if record.found_out else 1
