"""`python -m diagnostics diagnose`: runs all six phases and draws the conclusion, or runs one of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.cli import options as of
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.environments import default_cache
from diagnostics.lab.redactor import redactor
from diagnostics.lab.server import ServerError
from diagnostics.lab.session import open_session
from diagnostics.lab.target import TargetUnavailable, UnknownTarget, find_target, this_interpreter
from diagnostics.model.errors import CommandError, CommandInterrupted, InvalidInput, InvalidUsage, known
from diagnostics.phases.diagnose import PHASES, examine
from diagnostics.phases.formats import event_printer
from diagnostics.phases.plan import Phase, PhaseOptions
from diagnostics.report.markup.terminal import show_markdown
from diagnostics.runs import writer
from diagnostics.runs.reader import RunError


def diagnose(
    program: Annotated[list[str] | None, of.DIAGNOSE_PROGRAM] = None,
    number: Annotated[int | None, of.DIAGNOSE_NUMBER] = None,
    provider: Annotated[str, typer.Option(help=f"Diagnose this provider's client: {', '.join(PROVIDERS)}.")] = "openai",
    runs: Annotated[int | None, of.RUNS] = None,
    calls: Annotated[int | None, of.CALLS] = None,
    concurrency: Annotated[int | None, of.CONCURRENCY] = None,
    trials: Annotated[int | None, of.TRIALS] = None,
    instrument: Annotated[bool, of.DIAGNOSE_INSTRUMENT] = False,
    all_collections: Annotated[bool, of.DIAGNOSE_ALL_COLLECTIONS] = False,
    environment: Annotated[str | None, of.DIAGNOSE_ENVIRONMENT] = None,
    as_of: Annotated[str | None, of.DIAGNOSE_AS_OF] = None,
    here: Annotated[bool, typer.Option("--here", help="Run phase 5 in this environment only.")] = False,
    compare: Annotated[Path | None, of.DIAGNOSE_COMPARE] = None,
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
    printer = event_printer(as_json=json_file == of.STANDARD_OUTPUT, all_collections=all_collections)
    own = program and not (environment or as_of)
    with _reported("interrupted; the phases that finished are kept" if chosen is None else "interrupted"):
        cache, on_event = default_cache(), printer if instrument else None
        target = (
            this_interpreter() if own else find_target(provider, environment, cache=cache, offline=offline, as_of=as_of)
        )
        with (
            writer.new_folder(reports) as folder,
            open_session(target, cache=cache, redact=redactor(cache), on_event=on_event) as session,
        ):
            found, page = examine(program or (), chosen, session, options, folder, compare, _announce)
    if json_file != of.STANDARD_OUTPUT:
        show_markdown(page.read_text(encoding="utf-8"))
        typer.echo(f"\nWritten to {page} and .json")
    if json_file is not None:
        of.write_json(json_file, found)
    sys.exit(0 if found.found_out else 1)


@contextmanager
def _reported(interrupted: str) -> Iterator[None]:
    try:
        yield
    except UnknownTarget as error:
        raise InvalidUsage(str(error)) from error
    except (TargetUnavailable, RunError, writer.StoreError, ServerError, OSError) as error:
        raise (InvalidInput if isinstance(error, writer.UnreadableRecord) else CommandError)(str(error)) from error
    except KeyboardInterrupt:
        raise CommandInterrupted(interrupted) from None


def _announce(phase: Phase) -> None:
    sys.stderr.write(f"phase {phase.number} of {len(PHASES)}: {phase.title}\n")
