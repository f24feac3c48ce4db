"""Options: those that several commands have, each with its help once, and the long ones of each command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import typer

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.bisection.pinning import DATE
from diagnostics.lab.plan import INSTRUMENT
from diagnostics.lab.target import NEWEST
from diagnostics.model.codec import encode
from diagnostics.model.errors import CommandError
from diagnostics.phases.diagnose import PHASES
from diagnostics.redaction import Secrets
from diagnostics.redaction.records import redacted
from diagnostics.runs.writer import StoreError, write_record
from diagnostics.sanitizer.output import json_document
from diagnostics.workflows.reproduce import RETRIED

RUNS = typer.Option(min=1, help="Enter the event loop this many times in a trial.")
CALLS = typer.Option("--calls", "--jets", min=1, help="Make this many calls per run.")
CONCURRENCY = typer.Option(min=1, help="Allow this many calls in flight at once.")
RETRIES = typer.Option(min=0, help="Let the SDK retry a call this many times.")
TRIALS = typer.Option(min=1, help="Run this many trials of each combination and fix.")
TIMEOUT = typer.Option(min=1, help="Report a trial as hanging after this many seconds.")
OFFLINE = typer.Option("--offline", help="Install from the caches only, without the package index.")
REPORTS = typer.Option(help="Write run folders to this folder.")
MATRIX = typer.Option(help="Read the matrix from this pyproject.toml.")
COLD = typer.Option("--cold", help="Start a new interpreter for each trial instead of forking one.")
HERE = typer.Option("--here", help="Run the versions that this interpreter has instead of the matrix.")
REQUIREMENTS = typer.Option(
    *("-r", "--requirements", "--lock", "--pyproject"),
    help="Run the versions of requirements.txt, uv.lock, poetry.lock, pylock.toml or pyproject.toml instead of the "
    "matrix; repeatable.",
)
PIN = typer.Option(metavar="NAME==VERSION", help="Run this release instead of the matrix; repeatable.")
VARY = typer.Option(
    metavar="NAME=VERSION,…",
    help="Run each of these releases in the place of the pinned one, or in the newest environment; repeatable.",
)
EXECUTOR = typer.Option(metavar="dask://HOST:PORT", help="Run the trials on the workers of a dask scheduler.")
RESUME = typer.Option(
    help="Resume this run, such as reports/latest, with its original options; options given now override them. Trials "
    "that it holds are not repeated."
)
INSTRUMENTED = typer.Option(help="; ".join(f"{name}: {what}" for name, what in INSTRUMENT.items()) + ".")
RETRY = typer.Option(
    help=f"With --resume, run the trials of this status again: {', '.join(RETRIED)}; repeatable.", metavar="STATUS"
)
JSON = typer.Option(
    "--json",
    metavar="FILE",
    dir_okay=False,
    allow_dash=True,
    help="Write the result to FILE as JSON; - is standard output, which then has nothing else.",
)
AS_OF = typer.Option(help="Run the releases that were current on this day instead of the matrix.", metavar="DATE")
WITH_CONTENT_KEPT = typer.Option("--with-content", help="Keep the prompts and answers that the run kept.")
WITH_CONTENT = typer.Option("--with-content", help="Keep prompts and answers in everything that is written.")

BISECT_PROVIDER = typer.Option(
    help=f"Use this provider's client: {', '.join(PROVIDERS)}; by default the package's own."
)
BISECT_SCRIPT = typer.Option(help="Run this program of yours instead of a scenario.", dir_okay=False)
BISECT_BY = typer.Option(
    help="Compare releases by outcome (everything), symptom, symptom=raised, finding=KIND, recovery or exit."
)
BISECT_PYTHON = typer.Option(help="Use this Python, such as 3.12; by default the newest that fits both ends.")
BISECT_REQUIREMENTS = typer.Option("--with", help="Install this too, such as httpx==0.27.2; repeatable.")
BISECT_HOLD = typer.Option(help=f"Pin other packages as of the {DATE} of each release, or as of YYYY-MM-DD.")
DIAGNOSE_PROGRAM = typer.Argument(
    metavar="[SCRIPT [ARGS] | -- -m MODULE [ARGS]]",
    help="Diagnose this program instead of the demonstration: run it under the sanitizer, then try every fix "
    "with its SDK and packages.",
    show_default=False,
)
DIAGNOSE_NUMBER = typer.Option("--phase", min=1, max=len(PHASES), help="Run this phase alone, without a conclusion.")
DIAGNOSE_INSTRUMENT = typer.Option(
    "--instrument", help="Instrument every trial and print its events; with --json -, as JSON Lines."
)
DIAGNOSE_ALL_COLLECTIONS = typer.Option(
    "--all-collections", help="With --instrument, print collections that finalised nothing, too."
)
DIAGNOSE_ENVIRONMENT = typer.Option(
    help=f"Use this environment of the matrix, or {NEWEST}; by default, this Python.", metavar="SLUG"
)
DIAGNOSE_AS_OF = typer.Option(help="Install the releases of this day into that environment.", metavar="DATE")
DIAGNOSE_COMPARE = typer.Option(metavar="RUN", help="With --phase 6, compare with the same phase of this run.")
JETS_STRATEGY = typer.Option(
    help="Use classifier, which is `LocalLLMClassifier` as it ships, or the plan's own program with a fix: "
    f"{', '.join(FIXES)}; repeatable.",
    show_default="classifier",
)
JETS_EFFORTS = typer.Option(help="Use these efforts, separated by commas: low, medium, high.")
JETS_DATA = typer.Option(help="Read this .npz file with X and y, as EnergyFlow's qg_jets; by default the sample.")
JETS_BASE_URL = typer.Option(
    help="Call this OpenAI-compatible endpoint, such as http://localhost:8000/v1; by default, the local one."
)
JETS_MODEL = typer.Option(help="Ask this model.", show_default="jet-classifier; with --base-url openai/gpt-oss-120b")

STANDARD_OUTPUT: Final = Path(json_document.STANDARD_OUTPUT)


def record_of(given: Mapping[str, Any], record: type[Any]) -> dict[str, Any]:
    """The parameters of a command that are fields of a record, by their names; what is repeatable as a tuple."""
    values = {each.name: (given[each.name], each.default) for each in fields(record) if each.name in given}
    chosen = {name: default if value is None else value for name, (value, default) in values.items()}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in chosen.items()}


def is_given(context: typer.Context, name: str) -> bool:
    """Whether an option is on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def write_json(file: Path, record: Any) -> None:
    """Writes what `--json` names.

    Raises:
        CommandError: the disk refuses.
    """
    if file == STANDARD_OUTPUT:
        typer.echo(json.dumps(encode(redacted(record, Secrets.of_this_machine()))))
        return
    try:
        write_record(file, record)
    except StoreError as error:
        raise CommandError(str(error)) from error
