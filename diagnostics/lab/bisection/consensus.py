"""Makes one outcome of several trials of a release. Pure.

Trials of a cell may differ, because the moment at which the collector runs decides what is printed. So each release is
tried a few times, and more often if its trials differ. What fewer than two of three trials agree on is no outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from diagnostics.lab.execution.outcome import shorten
from diagnostics.model.bisection import Outcome, answers_word, requests_word
from diagnostics.model.trial import Trial
from diagnostics.model.words import SYMPTOM_NAMES

ROUNDS: Final = 3
"""Rounds of trials, of which the second and the third only run while trials differ."""

QUORUM: Final = 2 / 3


def outcome_of(trial: Trial) -> Outcome:
    """Returns the outcome of one trial that ran.

    It leaves out what differs from trial to trial: seconds, connections and the number of additional requests.
    """
    assert trial.symptom is not None
    return Outcome(
        trial.symptom,
        tuple(sorted({finding.kind for finding in trial.findings})),
        answers=answers_word(trial.accounting),
        requests=requests_word(trial.accounting),
        repeats=trial.accounting.retries > 0,
        recovers=trial.recovers,
        evidence=last_line(trial.evidence or ""),
    )


def last_line(text: str) -> str | None:
    """Returns the last line, which names the error in a traceback or a log; `None` if there is none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shorten(lines[-1], 300) if lines else None


def agreed(uninstrumented: Sequence[Outcome], instrumented: Sequence[Outcome], *, final: bool) -> Outcome | None:
    """Returns the outcome of a release; `None` while it is unclear.

    Symptom, accounting and exit status come from the uninstrumented trials, findings from the instrumented ones.

    Args:
        final: whether these are all trials. If so, two of three are enough, and a finding counts if half of the trials
            have it. Otherwise, all trials have to agree.
    """
    # Which of several calls at once fails first is chance, so trials that differ in nothing else agree.
    recovers = {outcome.recovers for outcome in uninstrumented}
    certain = recovers.pop() if len(recovers) == 1 else None
    bare = [replace(outcome, findings=(), recovers=certain) for outcome in uninstrumented]
    (most_common, votes), *_ = Counter(bare).most_common(1)
    kinds = Counter(kind for outcome in instrumented for kind in outcome.findings)
    if final:
        if votes < QUORUM * len(bare):
            return None
        findings = tuple(sorted(kind for kind, count in kinds.items() if 2 * count >= len(instrumented)))
    else:
        if votes < len(bare) or any(count < len(instrumented) for count in kinds.values()):
            return None
        findings = tuple(sorted(kinds))
    return replace(most_common, findings=findings)


def disagreement(uninstrumented: Sequence[Outcome]) -> str:
    """Returns, for a person, why there is no outcome."""
    symptoms = Counter(outcome.symptom for outcome in uninstrumented)
    shown = ", ".join(f"{count} x {SYMPTOM_NAMES[symptom]}" for symptom, count in symptoms.most_common())
    return f"its trials differ: {shown}"
