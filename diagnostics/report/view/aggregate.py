"""From the trials of one cell to one result: which trials decide, the worst symptom, the findings, the cost.

The sanitizer may change when things happen. Where a cell ran both ways, the uninstrumented trials therefore decide the
symptom and the numbers. A verdict rests on all trials, and the findings of the instrumented ones count against every
one: a leak that was found once also exists in the trials that could not see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from diagnostics.model.cell import BASELINE
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.model.verdict import Level, judge, level
from diagnostics.model.words import SEVERITIES, STATUSES, SYMPTOMS
from diagnostics.report.view.view_models import Cost, FixOutcome

LOOP_FIX = "single-run"
"""The fix that every time is compared with: one long loop."""

SYMPTOM_ORDER = tuple(SYMPTOMS)
EVIDENCE_LIMIT = 4000
"""Characters of evidence that the view keeps of one result, and of a reason or a warning."""


def deciding(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The trials that ran and decide, in one order whatever order they came in, with every finding of the cell."""
    ran = [trial for trial in trials if trial.status == "ran"]
    uninstrumented = [trial for trial in ran if not trial.instrumented]
    findings = findings_of(ran)
    chosen = sorted(uninstrumented or ran, key=lambda trial: (trial.trial, trial.key))
    return tuple(replace(trial, findings=findings) for trial in chosen)


def judged(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Every trial that ran, instrumented or not, with every finding of the cell: what a verdict rests on."""
    ran = [trial for trial in trials if trial.status == "ran"]
    findings = findings_of(ran)
    return tuple(replace(trial, findings=findings) for trial in sorted(ran, key=lambda trial: (trial.trial, trial.key)))


def findings_of(trials: Sequence[Trial]) -> tuple[FindingCount, ...]:
    """The findings of several trials, added up by kind and severity, the gravest first."""
    counts: Counter[tuple[str, str]] = Counter()
    for trial in trials:
        for finding in trial.findings:
            counts[finding.kind, finding.severity] += finding.count
    order = list(SEVERITIES)
    ranked = sorted(counts, key=lambda pair: (order.index(pair[1]), pair[0]))
    return tuple(FindingCount(kind, severity, counts[kind, severity]) for kind, severity in ranked)


def worst(symptoms: Sequence[str]) -> str | None:
    """The worst of some symptoms, by the order of `words.SYMPTOMS`; `None` of none."""
    return max(symptoms, key=SYMPTOM_ORDER.index, default=None)


def cost_of(trials: Sequence[Trial], one_loop: float | None) -> Cost | None:
    """What the trials that decide cost; `one_loop` is the seconds per call of one long loop, where there is one."""
    if not trials:
        return None
    records = [trial.accounting for trial in trials]
    seconds = seconds_per_call(trials)
    calls = sum(record.calls for record in records)
    return Cost(
        # An answer needs a connection: where there is none, nobody counted them.
        connections_per_call=_rounded(sum(record.connections for record in records) or None, calls),
        requests_per_call=_rounded(sum(record.requests for record in records), calls),
        seconds_per_call=_rounded(seconds, 1, digits=6),
        time_ratio=_rounded(seconds, one_loop),
        fds_left=max(record.fds_left for record in records),
        fds_leaked=max(record.fds_leaked for record in records),
        threads_left=max(record.threads_left for record in records),
    )


def seconds_per_call(trials: Sequence[Trial]) -> float | None:
    """Seconds for each call asked over the trials that decide; `None` where no call was asked."""
    calls = sum(trial.accounting.calls for trial in trials)
    return sum(trial.accounting.seconds for trial in trials) / calls if calls else None


def result_of(fix: str, trials: Sequence[Trial], baseline: Sequence[Trial], one_loop: float | None) -> FixOutcome:
    """What one fix did for one subject.

    Args:
        fix: its name; the baseline's gives a result without a verdict.
        trials: every trial of the cell, also those that did not run.
        baseline: the trials of the baseline that a verdict rests on.
        one_loop: seconds per call of the fix `single-run` here.
    """
    ran = deciding(trials)
    symptoms = Counter(trial.symptom for trial in ran if trial.symptom is not None)
    symptom = worst(list(symptoms))
    recoveries = {trial.recovers for trial in ran}
    evidence = next((trial.evidence for trial in ran if trial.symptom == symptom and trial.evidence), None)
    status, reason = ("ran", None) if ran else _why_not(trials)
    return FixOutcome(
        fix=fix,
        verdict=judge(baseline, judged(trials)) if ran and fix != BASELINE else None,
        symptom=symptom,
        symptoms={word: symptoms[word] for word in SYMPTOM_ORDER if word in symptoms},
        differ=len(symptoms) > 1,
        trials=len(ran),
        findings=ran[0].findings if ran else (),
        instrumented=sum(trial.instrumented for trial in trials if trial.status == "ran"),
        clean=all(level(trial) == Level.CLEAN for trial in ran) if ran else None,
        answered=all(trial.accounting.answers == trial.accounting.calls for trial in ran) if ran else None,
        evidence=evidence[:EVIDENCE_LIMIT] if evidence else None,
        cost=cost_of(ran, one_loop),
        status=status,
        reason=reason[:EVIDENCE_LIMIT] if reason else None,
        accounting=_together([trial.accounting for trial in ran]),
        ran=len(judged(trials)),
        recovers=recoveries.pop() if len(recoveries) == 1 else None,
    )


def _together(records: Sequence[Accounting]) -> Accounting:
    """Several accounts as one: sums, and of what was left the most."""
    if not records:
        return Accounting()
    most = ("fds_left", "fds_leaked", "threads_left")
    every = [vars(record) for record in records]
    return Accounting(**{name: (max if name in most else sum)([each[name] for each in every]) for name in every[0]})


def _why_not(trials: Sequence[Trial]) -> tuple[str, str | None]:
    order = list(STATUSES)
    first = min(trials, key=lambda trial: (order.index(trial.status), trial.trial, trial.key))
    return first.status, first.reason


def _rounded(amount: float | None, by: float | None, digits: int = 3) -> float | None:
    """A quotient short enough to read, so that the same records always print the same."""
    return round(amount / by, digits) if amount is not None and by else None
