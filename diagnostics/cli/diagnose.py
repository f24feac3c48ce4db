"""`python -m diagnostics diagnose`: runs all six phases and draws the conclusion, or runs one of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.cli import options as of
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.extras import install
from diagnostics.lab.environments import default_cache
from diagnostics.lab.redactor import redactor
from diagnostics.lab.server import ServerError
from diagnostics.lab.session import open_session
from diagnostics.lab.target import NEWEST, TargetUnavailable, UnknownTarget, find_target, shadowed, this_interpreter
from diagnostics.model.errors import CommandError, CommandInterrupted, InvalidInput, InvalidUsage, known
from diagnostics.model.phase import PhaseResult
from diagnostics.phases.diagnose import PHASES, run_diagnosis, run_one
from diagnostics.phases.diagnosis import Diagnosis
from diagnostics.phases.formats import event_printer
from diagnostics.phases.plan import Phase, PhaseOptions
from diagnostics.phases.program import diagnose_program, run_program
from diagnostics.report.markup.terminal import show_markdown
from diagnostics.runs import writer
from diagnostics.runs.layout import phase_file
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
    number: Annotated[
        int | None, typer.Option("--phase", min=1, max=len(PHASES), help="Run this phase alone, without a conclusion.")
    ] = None,
    provider: Annotated[str, typer.Option(help=f"Diagnose this provider's client: {', '.join(PROVIDERS)}.")] = "openai",
    runs: Annotated[int | None, of.RUNS] = None,
    calls: Annotated[int | None, of.CALLS] = None,
    concurrency: Annotated[int | None, of.CONCURRENCY] = None,
    trials: Annotated[int | None, of.TRIALS] = None,
    instrument: Annotated[
        bool,
        typer.Option("--instrument", help="Instrument every trial and print its events; with --json -, as JSON Lines."),
    ] = False,
    all_collections: Annotated[
        bool,
        typer.Option("--all-collections", help="With --instrument, print collections that finalised nothing, too."),
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
    compare: Annotated[
        Path | None, typer.Option(metavar="RUN", help="With --phase 6, compare with the same phase of this run.")
    ] = None,
    reports: Annotated[Path, of.REPORTS] = Path("reports"),
    json_file: Annotated[Path | None, of.JSON] = None,
    offline: Annotated[bool, of.OFFLINE] = False,
) -> None:
    """Find out when, why and where the error occurs in your program, and which fix works for its SDK and versions.

    Without a program, the six phases of the debugging plan examine the lab's own demonstration.

    Example: python -m diagnostics diagnose app.py

    Example: python -m diagnostics diagnose --environment newest

    Example: python -m diagnostics diagnose --phase 3 --instrument

    Exit status: 0 at least one question is answered; 1 none is, or it failed;
    2 invalid usage, or a record to compare with cannot be read; 130 interrupted.
    """
    known("provider", [provider], PROVIDERS)
    chosen = None if number is None else PHASES[number - 1]
    if compare is not None and (chosen is None or chosen.compare is None):
        raise InvalidUsage("--compare compares phase 6; add --phase 6")
    if json_file is not None and json_file.suffix == ".py":
        raise InvalidUsage(f"--json would write to {json_file}: name a JSON file, or - for standard output")
    if program and chosen is not None:
        raise InvalidUsage("a phase examines the lab's demonstration; leave out --phase or the program")
    options = PhaseOptions(provider, runs, calls, concurrency, trials, instrument=instrument, others=not here)
    cache = default_cache()
    printer = event_printer(as_json=json_file == of.STANDARD_OUTPUT, all_collections=all_collections)
    on_event = printer if instrument else None
    found: PhaseResult | Diagnosis
    try:
        own = program and not (environment or as_of)
        target = (
            this_interpreter() if own else find_target(provider, environment, cache=cache, offline=offline, as_of=as_of)
        )
        with (
            writer.new_folder(reports) as folder,
            open_session(target, cache=cache, redact=redactor(cache), on_event=on_event) as session,
        ):
            page = folder / "diagnosis.md"
            if program:
                _warn_of_others(target.environment.packages)
                found = diagnose_program(run_program(program, folder), session, options, folder)
            elif chosen is None:
                sys.stderr.write("no program given: this examines the lab's demonstration; diagnose app.py is yours\n")
                found = run_diagnosis(session, options, folder, phases=PHASES, on_phase=_announce)
            else:
                found = run_one(chosen, session, options, folder, compare)
                page = phase_file(folder, chosen.number, ".md")
    except UnknownTarget as error:
        raise InvalidUsage(str(error)) from error
    except (TargetUnavailable, RunError, writer.StoreError, ServerError, OSError) as error:
        raise (InvalidInput if isinstance(error, writer.UnreadableRecord) else CommandError)(str(error)) from error
    except KeyboardInterrupt:
        raise CommandInterrupted(
            "interrupted; the phases that finished are kept" if chosen is None else "interrupted"
        ) from None
    if json_file != of.STANDARD_OUTPUT:
        show_markdown(page.read_text(encoding="utf-8"))
        typer.echo(f"\nWritten to {page} and .json")
    if json_file is not None:
        of.write_json(json_file, found)
    sys.exit(0 if found.found_out else 1)


def _warn_of_others(packages: Mapping[str, str]) -> None:
    """Says which packages are not the program's own."""
    if others := shadowed(packages):
        named = ", ".join(f"{name} {packages[name]} instead of {version}" for name, version in others.items())
        again = f"to use its own, run in its environment: {install('lab')}"
        sys.stderr.write(f"warning: this environment replaces packages of the program: {named}; {again}\n")


def _announce(phase: Phase) -> None:
    sys.stderr.write(f"phase {phase.number} of {len(PHASES)}: {phase.title}\n")
