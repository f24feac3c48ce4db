"""`python -m diagnostics diagnose`: runs all six phases and draws the conclusion."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.environments import default_cache
from diagnostics.lab.redactor import redactor
from diagnostics.lab.server import ServerError
from diagnostics.lab.session import open_session
from diagnostics.lab.target import NEWEST, TargetUnavailable, UnknownTarget, find_target, this_interpreter
from diagnostics.model.codec import encode
from diagnostics.model.errors import CommandError, CommandInterrupted, InvalidUsage, unknown
from diagnostics.phases.command import event_printer, print_line
from diagnostics.phases.diagnose import PHASES, run_diagnosis
from diagnostics.phases.diagnosis_formats import show
from diagnostics.phases.plan import Phase, PhaseOptions
from diagnostics.phases.program import diagnose_program, run_program
from diagnostics.runs import writer
from diagnostics.runs.reader import RunError


def diagnose(
    program: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SCRIPT [ARGS] | -- -m MODULE [ARGS]]",
            help="Diagnose this program instead of the demonstration: run it under the sanitizer, then try every fix "
            "with its SDK and packages.",
            show_default=False,
        ),
    ] = None,
    provider: Annotated[str, typer.Option(help=f"Diagnose this provider's client: {', '.join(PROVIDERS)}.")] = "openai",
    runs: Annotated[int | None, typer.Option(min=1, help="Enter the event loop so many times in a trial.")] = None,
    calls: Annotated[
        int | None,
        typer.Option("--calls", "--jets", min=1, help="Make so many calls per run, in phase 6 too."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Allow so many calls in flight at once, in phase 6 too.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Run so many trials of each combination and fix.")] = None,
    instrument: Annotated[
        bool, typer.Option("--instrument", help="Instrument every trial and print its events.")
    ] = False,
    environment: Annotated[
        str | None,
        typer.Option(help=f"Use this environment of the matrix, or {NEWEST}; by default, this Python.", metavar="SLUG"),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="Install the releases of this day into that environment.", metavar="DATE"),
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="Run phase 5 in this environment only.")] = False,
    reports: Annotated[Path, typer.Option(help="Write run folders to this folder.")] = Path("reports"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the conclusion as JSON.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Install from the caches only, without the package index.")
    ] = False,
) -> None:
    """Find out when, why and where the error occurs in your program, and which fix works for its SDK and versions.

    Without a program, the six phases of the debugging plan examine the lab's own demonstration.

    Example: python -m diagnostics diagnose app.py

    Example: python -m diagnostics diagnose --environment newest

    Exit status: 0 at least one question is answered; 1 none is, or it failed;
    2 invalid usage; 130 interrupted.
    """
    if provider not in PROVIDERS:
        raise InvalidUsage(unknown("provider", provider, PROVIDERS))
    options = PhaseOptions(provider, runs, calls, concurrency, trials, instrument=instrument, others=not here)
    cache = default_cache()
    on_event = event_printer(as_json=as_json) if instrument else None
    try:
        own = program and not (environment or as_of)
        target = (
            this_interpreter() if own else find_target(provider, environment, cache=cache, offline=offline, as_of=as_of)
        )
        with (
            writer.new_folder(reports) as folder,
            open_session(target, cache=cache, redact=redactor(cache), on_event=on_event) as session,
        ):
            if program:
                diagnosis = diagnose_program(run_program(program, folder), session, options, folder)
            else:
                sys.stderr.write("no program given: this examines the lab's demonstration; diagnose app.py is yours\n")
                diagnosis = run_diagnosis(session, options, folder, phases=PHASES, on_phase=_announce)
    except UnknownTarget as error:
        raise InvalidUsage(str(error)) from error
    except (TargetUnavailable, RunError, writer.StoreError, ServerError, OSError) as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        raise CommandInterrupted("interrupted; the phases that finished are kept") from None
    if as_json:
        print_line(json.dumps(encode(diagnosis)))
    else:
        show(diagnosis.answers, diagnosis.criteria)
        beside = "the findings" if program else "a page for each phase"
        print_line(f"\nWritten to {folder}/diagnosis.md, with {beside} beside it")
    sys.exit(0 if diagnosis.found_out else 1)


def _announce(phase: Phase) -> None:
    sys.stderr.write(f"phase {phase.number} of {len(PHASES)}: {phase.title}\n")
