"""`python -m diagnostics jets`: the debugging plan's analysis, to its end, under any strategy.

numpy, scikit-learn and openai come with an extra of their own, so nothing of `diagnostics.jets` is imported before the
command runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from diagnostics import async_tools, sanitizer
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.program import Incompatible
from diagnostics.lab import store
from diagnostics.lab.server import ProviderServer, ServerError

if TYPE_CHECKING:
    from diagnostics.jets.analysis import Analysis, Row
    from diagnostics.jets.arrangement import Endpoint
    from diagnostics.jets.data import Jets
    from diagnostics.model.finding import Finding

LOCAL_MODEL = "jet-classifier"
PLANS_MODEL = "openai/gpt-oss-120b"
FOUND = 66
"""Exit status where all answers are there but a client was left open or touched from another loop; as that of `run`."""


@dataclass(frozen=True)
class Played:
    """A strategy, what came out of it, and what was seen beside it.

    Attributes:
        requests: those that the local provider received; None where it was another one.
        logged: what asyncio logged, a line each.
    """

    analysis: Analysis
    requests: int | None
    logged: Counter[str]
    findings: list[Finding]


def jets(
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="classifier: `LocalLLMClassifier` as it ships; or the plan's own program, arranged by a fix: "
            f"{', '.join(FIXES)}. May be given several times.",
            show_default="classifier",
        ),
    ] = None,
    templates: Annotated[str, typer.Option(help="Ways to put a jet into words, with commas between them, or all.")] = (
        "simple_list,jet_summary"
    ),
    efforts: Annotated[str, typer.Option(help="Reasoning efforts: low, medium, high.")] = "low,medium",
    number: Annotated[int, typer.Option("--jets", min=1, help="How many jets, from the first of the file.")] = 100,
    concurrency: Annotated[int, typer.Option(min=1, help="Calls in flight at once.")] = 10,
    retries: Annotated[int, typer.Option(min=0, help="The SDK's retries for a call.")] = 2,
    data: Annotated[
        Path | None, typer.Option(help="An .npz file with X and y, as EnergyFlow's qg_jets; without it, the sample.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Where to write one line a configuration.")] = None,
    answers: Annotated[Path | None, typer.Option(help="Where to write one line a jet and configuration.")] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="Any OpenAI-compatible endpoint, such as http://localhost:8000/v1; without it, the local one."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Whom to ask.", show_default=f"{LOCAL_MODEL}; {PLANS_MODEL} with --base-url")
    ] = None,
) -> None:
    """Classify quark and gluon jets with a language model, in several configurations, one after the other.

    Without --base-url the calls go to the local provider, whose model counts the
    constituents that a prompt speaks of. An endpoint's key is read from OPENAI_API_KEY.

    Example: python -m diagnostics jets --templates all --csv jets.csv

    Example: python -m diagnostics jets --strategy none --strategy classifier --jets 300

    Example: python -m diagnostics jets --base-url http://localhost:8000/v1 --efforts high

    Exit status: 0 every jet has one answer, 1 not all have, or it could not be done, 2 the command line cannot be
    meant so, 66 all have, but the sanitizer found an error or a leak, 130 interrupted.
    """
    try:
        from diagnostics.jets.analysis import OWN
        from diagnostics.jets.data import SAMPLE, DataError, load
        from diagnostics.jets.prompt import EFFORTS
        from diagnostics.jets.templates import TEMPLATES
    except ImportError as error:
        _fail(f"{error.name} is missing: python3 -m pip install 'event-loop-diagnostics[jets]'")
    strategies = _known("strategy", strategy or [OWN], [OWN, *FIXES])
    configurations = (
        _known("template", list(TEMPLATES) if templates == "all" else templates.split(","), TEMPLATES),
        _known("effort", efforts.split(","), EFFORTS),
    )
    for file in filter(None, (csv, answers)):
        if file.is_dir():
            _fail(f"{file} is a folder; name a file", status=2)
    try:
        sample = load(data or SAMPLE, number)
        with _terminable(), _endpoint(base_url, model, retries) as (endpoint, server):
            played = [_play(each, sample, endpoint, server, configurations, concurrency) for each in strategies]
        _write(played, csv, answers)
    except (DataError, Incompatible, ServerError, store.StoreError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.stderr.write("diagnostics jets: interrupted\n")
        sys.exit(130)
    _show(played)
    sys.exit(_status(played))


@contextlib.contextmanager
def _endpoint(
    base_url: str | None, model: str | None, retries: int
) -> Iterator[tuple[Endpoint, ProviderServer | None]]:
    from diagnostics.jets.arrangement import Endpoint
    from diagnostics.jets.classifier import NO_KEY

    if base_url is not None:
        key = os.environ.get("OPENAI_API_KEY") or NO_KEY
        yield Endpoint(base_url, model or PLANS_MODEL, key, retries), None
        return
    with ProviderServer() as server:
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(server.ca_file)
        try:
            yield Endpoint(server.url, model or LOCAL_MODEL, retries=retries), server
        finally:
            del os.environ["SSL_CERT_FILE"]
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before


def _play(
    strategy: str,
    sample: Jets,
    endpoint: Endpoint,
    server: ProviderServer | None,
    configurations: tuple[list[str], list[str]],
    concurrency: int,
) -> Played:
    """One strategy, watched from its first client to the collection at its end."""
    from dataclasses import replace

    from diagnostics.jets.analysis import run_llm_analysis

    templates, efforts = configurations
    if server is not None:  # the path carries the name under which the server counts
        endpoint = replace(endpoint, base_url=server.trial_url(strategy) + "/openai/v1")
    with _logged() as logged, sanitizer.watch() as findings:
        analysis = run_llm_analysis(
            sample,
            endpoint,
            templates=templates,
            efforts=efforts,
            strategy=strategy,
            concurrency=concurrency,
            verbose=True,
        )
        async_tools.shutdown()
        # The end of the program that the strategy stands for: what it left is freed here, and not in the next one.
        asyncio.set_event_loop(None)
        gc.collect()
    return Played(analysis, server.account(strategy).requests if server else None, logged, findings)


@contextlib.contextmanager
def _logged() -> Iterator[Counter[str]]:
    """What asyncio logs, counted in place of being printed."""
    counts: Counter[str] = Counter()

    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            counts[f"{type(error).__name__}: {error}" if error else record.getMessage().splitlines()[0]] += 1

    logger, handler = logging.getLogger("asyncio"), Counting(logging.WARNING)
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False
    try:
        yield counts
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


def _write(played: list[Played], csv: Path | None, answers: Path | None) -> None:
    from diagnostics.jets.analysis import answers_as_csv, rows_as_csv

    analyses = [each.analysis for each in played]
    if csv is not None:
        store.write_whole(csv, rows_as_csv(analyses))
    if answers is not None:
        store.write_whole(answers, answers_as_csv(analyses))


def _show(played: list[Played]) -> None:
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False)
    for column in ("strategy", "template", "effort"):
        table.add_column(column, no_wrap=True)
    for column in ("jets", "answered", "accuracy", "ROC AUC", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    rows = [row for each in played for row in each.analysis.rows]
    for row in rows:
        figures = (_figure(row.accuracy), _figure(row.roc_auc), f"{row.seconds:.2f}")
        table.add_row(row.strategy, row.template, row.effort, str(row.jets), str(row.answered), *figures)
    # A pipe has no width of its own, and a table that is cut there is of no use.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    console.print(table)
    for each in played:
        console.print(_said(each), markup=False, soft_wrap=True)
    if len(played) > 1:
        console.print(_compared(rows), markup=False, soft_wrap=True)


def _figure(value: float | None) -> str:
    return "cannot tell" if value is None else f"{value:.4f}"


def _said(played: Played) -> str:
    rows, errors = played.analysis.rows, played.analysis.errors
    parts = [f"{sum(row.jets for row in rows)} calls, {sum(row.answered for row in rows)} answers"]
    if played.requests is not None:
        parts[0] += f", {played.requests} requests"
    if errors:
        parts.append(f"{len(errors)} raised, the first: {errors[0]}")
    parts += [f"logged {count} x {what}" for what, count in played.logged.most_common()]
    seen = Counter[str]()
    for finding in played.findings:
        seen[f"{finding.kind} ({finding.severity})"] += finding.count
    shown = ", ".join(f"{count} x {what}" for what, count in seen.most_common()) or "nothing"
    return f"{rows[0].strategy}: " + "; ".join([*parts, f"the sanitizer saw {shown}"])


def _compared(rows: list[Row]) -> str:
    of: dict[tuple[str, str], set[tuple[float | None, float | None]]] = {}
    for row in rows:
        of.setdefault((row.template, row.effort), set()).add((row.accuracy, row.roc_auc))
    differing = [" ".join(configuration) for configuration, figures in of.items() if len(figures) > 1]
    if differing:
        return f"accuracy or ROC AUC depend on the strategy in: {', '.join(differing)}"
    return "accuracy and ROC AUC are the same under every strategy"


def _status(played: list[Played]) -> int:
    if not all(each.analysis.complete for each in played):
        return 1
    return FOUND if any(finding.severity in ("error", "leak") for each in played for finding in each.findings) else 0


def _known(kind: str, names: list[str], table: Collection[str]) -> list[str]:
    names = [name.strip() for name in names]
    for name in names:
        if name not in table:
            _fail(f"there is no {kind} {name!r}; choose from {', '.join(table)}", status=2)
    return list(dict.fromkeys(names))


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Ends by SIGTERM as by Ctrl-C, or the local provider's folder would stay behind."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(message: str, *, status: int = 1) -> NoReturn:
    sys.stderr.write(f"diagnostics jets: {message}\n")
    sys.exit(status)
