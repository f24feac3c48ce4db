"""What several trials of one release come to. Pure.

Trials of a cell may differ: when the collector runs decides what is printed. So each is tried a few times, more often
where they differ, and what is not the same in two of three is no outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from diagnostics.lab.execution.outcome import shorten
from diagnostics.model.bisection import Outcome, answers_word, requests_word
from diagnostics.model.trial import Trial

ROUNDS: Final = 3
"""How often as many trials are played again, while they differ."""

QUORUM: Final = 2 / 3


def outcome_of(trial: Trial) -> Outcome:
    """What one trial that ran came to."""
    assert trial.symptom is not None
    return Outcome(
        trial.symptom,
        tuple(sorted({finding.kind for finding in trial.findings})),
        answers=answers_word(trial.accounting),
        requests=requests_word(trial.accounting),
        repeats=trial.accounting.retries > 0,
        evidence=last_line(trial.evidence or ""),
    )


def last_line(text: str) -> str | None:
    """The line that says it in a traceback or a log; `None` where there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shorten(lines[-1], 300) if lines else None


def agreed(uninstrumented: Sequence[Outcome], instrumented: Sequence[Outcome], *, last_word: bool) -> Outcome | None:
    """The outcome of a release; `None` while it is not clear.

    Symptom, accounting and exit status come from the uninstrumented trials, findings from the instrumented ones.

    Args:
        last_word: there will be no more trials: two of three are enough, and a finding counts that was made in half.
            Before, all have to agree.
    """
    bare = [replace(outcome, findings=()) for outcome in uninstrumented]
    (first, votes), *_ = Counter(bare).most_common(1)
    kinds = Counter(kind for outcome in instrumented for kind in outcome.findings)
    if last_word:
        if votes < QUORUM * len(bare):
            return None
        findings = tuple(sorted(kind for kind, count in kinds.items() if 2 * count >= len(instrumented)))
    else:
        if votes < len(bare) or any(count < len(instrumented) for count in kinds.values()):
            return None
        findings = tuple(sorted(kinds))
    return replace(first, findings=findings)


def disagreement(uninstrumented: Sequence[Outcome]) -> str:
    """Why there is no outcome, for a person."""
    symptoms = Counter(outcome.symptom for outcome in uninstrumented)
    shown = ", ".join(f"{count} x {symptom}" for symptom, count in symptoms.most_common())
    return f"its trials differ: {shown}"
