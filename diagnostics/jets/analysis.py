"""`run_llm_analysis`: several configurations, template x effort, one after the other in one process, to the end."""

from __future__ import annotations

import csv
import io
import itertools
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np
from openai import OpenAIError
from sklearn.metrics import roc_auc_score

from diagnostics.experiment.fixes import FIXES
from diagnostics.jets.classifier import LocalLLMClassifier, Unanswered
from diagnostics.jets.data import QUARK, Jets, constituents
from diagnostics.jets.program import Answers, Inquiry, JetEndpoint, play
from diagnostics.jets.progress import bar
from diagnostics.jets.prompt import compose
from diagnostics.jets.templates import TEMPLATES

if TYPE_CHECKING:
    from numpy.typing import NDArray

OWN: Final = "classifier"
"""The strategy that is no fix: `LocalLLMClassifier` as it ships."""


@dataclass(frozen=True)
class Row:
    """What came out of one configuration.

    Attributes:
        answered: jets with exactly one readable answer.
        accuracy, roc_auc: None where not all jets were answered, or there is no jet of one class: it cannot be told.
        seconds: from the first call to the last answer.
    """

    strategy: str
    template: str
    effort: str
    jets: int
    answered: int
    accuracy: float | None
    roc_auc: float | None
    seconds: float


@dataclass(frozen=True)
class Analysis:
    """What came out of all of them.

    Attributes:
        rows: one for each configuration, in the order in which they ran.
        quark: (configurations, jets), the probability of a quark jet; NaN without a readable answer.
        errors: what was raised, a line each.
    """

    rows: tuple[Row, ...]
    quark: NDArray[np.float64]
    truth: NDArray[np.int64]
    errors: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every jet got exactly one answer and nothing was raised."""
        return not self.errors and all(row.answered == row.jets for row in self.rows)


def run_llm_analysis(
    jets: Jets,
    endpoint: JetEndpoint,
    *,
    templates: Sequence[str] = ("simple_list",),
    efforts: Sequence[str] = ("low",),
    strategy: str = OWN,
    concurrency: int = 10,
    verbose: bool = False,
) -> Analysis:
    """Classifies the same jets in each configuration.

    Args:
        strategy: `classifier`, or a fix of `diagnostics.experiment.fixes` that arranges the plan's own program.
        concurrency: calls in flight at once.
        verbose: whether to show a progress bar on standard error.

    Raises:
        KeyError: there is no such strategy or template.
        Incompatible: the installed packages cannot do what the strategy asks for.
    """
    configurations = list(itertools.product(templates, efforts))
    if strategy == OWN:
        answers = _ask_classifiers(jets, endpoint, configurations, concurrency, verbose=verbose)
    else:
        inquiries = tuple(
            Inquiry(tuple(compose(TEMPLATES[template], constituents(jet)) for jet in jets.X), effort)
            for template, effort in configurations
        )
        with bar(strategy, len(jets) * len(configurations)) if verbose else nullcontext(lambda: None) as tick:
            answers = play(FIXES[strategy], inquiries, endpoint, concurrency, tick)
    rows = tuple(_row(strategy, each, answers, run, jets.y) for run, each in enumerate(configurations))
    return Analysis(rows, answers.quark, jets.y, tuple(answers.errors))


def _ask_classifiers(
    jets: Jets, endpoint: JetEndpoint, configurations: Sequence[tuple[str, str]], concurrency: int, *, verbose: bool
) -> Answers:
    answers = Answers(len(configurations), len(jets))
    for run, (template, effort) in enumerate(configurations):
        classifier = LocalLLMClassifier(
            endpoint.model, template, effort, endpoint.base_url, endpoint.api_key, endpoint.retries
        )
        began = time.perf_counter()
        try:
            classifier.fit(jets.X, jets.y)
            answers.quark[run] = classifier.predict_proba(jets.X, max_concurrent=concurrency, verbose=verbose)[:, QUARK]
        except Unanswered as error:
            answers.quark[run] = error.probabilities
            answers.error(error)
        except OpenAIError as error:
            answers.error(error)
        answers.count[run] = ~np.isnan(answers.quark[run])
        answers.seconds[run] = time.perf_counter() - began
    return answers


def _row(strategy: str, configuration: tuple[str, str], answers: Answers, run: int, truth: NDArray[np.int64]) -> Row:
    quark = answers.quark[run]
    answered = int(((answers.count[run] == 1) & ~np.isnan(quark)).sum())
    accuracy = roc_auc = None
    if answered == len(truth):
        accuracy = float(((quark >= 0.5) == truth).mean())
        if 0 < truth.sum() < len(truth):
            roc_auc = float(roc_auc_score(truth, quark))
    return Row(strategy, *configuration, len(truth), answered, accuracy, roc_auc, float(answers.seconds[run]))


def rows_as_csv(analyses: Sequence[Analysis]) -> str:
    """One line a strategy and configuration."""
    rows = [
        list((vars(row) | {"seconds": f"{row.seconds:.3f}"}).values()) for analysis in analyses for row in analysis.rows
    ]
    return _csv([field.name for field in fields(Row)], rows)


def answers_as_csv(analyses: Sequence[Analysis]) -> str:
    """One line a strategy, configuration and jet; a jet without an answer has empty fields for it."""
    lines: list[list[object]] = []
    for analysis in analyses:
        for row, quark in zip(analysis.rows, analysis.quark, strict=True):
            for jet, (truth, probability) in enumerate(zip(analysis.truth, quark, strict=True)):
                answer = [None, None] if np.isnan(probability) else [int(probability >= 0.5), f"{probability:.6f}"]
                lines.append([row.strategy, row.template, row.effort, jet, truth, *answer])
    return _csv(["strategy", "template", "effort", "jet", "truth", "prediction", "probability_quark"], lines)


def _csv(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return text.getvalue()
