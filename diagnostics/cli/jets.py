"""`python -m diagnostics jets`: runs the jet classification of the debugging plan with any fix.

numpy, scikit-learn and openai come with an extra of their own, so nothing of `diagnostics.jets` is imported before the
command runs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnostics.cli import options as of
from diagnostics.cli.signals import interruptible
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.program import Incompatible
from diagnostics.extras import install
from diagnostics.lab.server import ServerError
from diagnostics.model.errors import CommandError, CommandInterrupted, InvalidUsage, known
from diagnostics.runs import writer

if TYPE_CHECKING:
    from diagnostics.jets.outcome import StrategyResult

FOUND = 66
"""Exit status where all answers are there but a client was left open or touched from another loop; as that of `run`."""


def jets(
    strategy: Annotated[list[str] | None, of.JETS_STRATEGY] = None,
    templates: Annotated[str, typer.Option(help="Use these templates, separated by commas, or all.")] = (
        "simple_list,jet_summary"
    ),
    efforts: Annotated[str, of.JETS_EFFORTS] = "low,medium",
    number: Annotated[int, typer.Option("--jets", min=1, help="Classify only this many jets of the file.")] = 100,
    concurrency: Annotated[int, of.CONCURRENCY] = 10,
    retries: Annotated[int, of.RETRIES] = 2,
    data: Annotated[Path | None, of.JETS_DATA] = None,
    csv: Annotated[Path | None, typer.Option(help="Write one line per configuration to this file.")] = None,
    answers: Annotated[Path | None, typer.Option(help="Write one line per jet and configuration to this file.")] = None,
    base_url: Annotated[str | None, of.JETS_BASE_URL] = None,
    model: Annotated[str | None, of.JETS_MODEL] = None,
) -> None:
    """Classify quark and gluon jets with a language model, in several configurations.

    By default the calls go to the local provider, whose model counts the
    constituents in the prompt. The key of an endpoint is read from
    OPENAI_API_KEY.

    Example: python -m diagnostics jets --templates all --csv jets.csv

    Example: python -m diagnostics jets --strategy none --strategy classifier --jets 300

    Example: python -m diagnostics jets --base-url http://localhost:8000/v1 --efforts high

    Exit status: 0 every jet has one answer; 1 some have none, or it failed;
    2 invalid usage; 66 every jet has an answer, but the sanitizer found an
    error or a leak; 130 interrupted.
    """
    try:
        from diagnostics.jets.analysis import OWN
        from diagnostics.jets.data import SAMPLE, DataError, load
        from diagnostics.jets.outcome import show
        from diagnostics.jets.prompt import EFFORTS
        from diagnostics.jets.templates import TEMPLATES
        from diagnostics.workflows.jets import open_endpoint, run_strategy
    except ImportError as error:
        raise CommandError(f"{error.name} is missing: {install('jets')}") from error
    strategies = known("strategy", strategy or [OWN], [OWN, *FIXES])
    configurations = {
        "templates": known("template", list(TEMPLATES) if templates == "all" else _split(templates), TEMPLATES),
        "efforts": known("effort", _split(efforts), EFFORTS),
    }
    _refuse_folders(csv, answers)
    try:
        sample = load(data or SAMPLE, number)
        with interruptible(), open_endpoint(base_url, model, retries) as (endpoint, server):
            played = [
                run_strategy(each, sample, endpoint, server, **configurations, concurrency=concurrency)
                for each in strategies
            ]
        show(played)
        _write(played, csv, answers)
    except (DataError, Incompatible, ServerError, writer.StoreError) as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        raise CommandInterrupted("interrupted; nothing was written") from None
    sys.exit(_status(played))


def _refuse_folders(*files: Path | None) -> None:
    for file in filter(None, files):
        if file.is_dir():
            raise InvalidUsage(f"{file} is a folder; name a file")


def _write(played: list[StrategyResult], csv: Path | None, answers: Path | None) -> None:
    from diagnostics.jets.analysis import answers_as_csv, rows_as_csv

    analyses = [each.analysis for each in played]
    if csv is not None:
        writer.write_whole(csv, rows_as_csv(analyses), like="jets.csv")
    if answers is not None:
        writer.write_whole(answers, answers_as_csv(analyses), like="answers.csv")


def _status(played: list[StrategyResult]) -> int:
    if not all(each.analysis.complete for each in played):
        return 1
    return FOUND if any(finding.severity in ("error", "leak") for each in played for finding in each.findings) else 0


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",")]
