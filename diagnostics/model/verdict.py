"""What may be said of a fix: a pure function of its trials and of the trials of its baseline.

A verdict is given only where the baseline reproduced something. `Level` orders outcomes, so "gone", "hidden", "the
same" and "worse" are comparisons and not special cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from diagnostics.model.trial import Trial


class Level(IntEnum):
    """How bad one trial was, from clean to dead."""

    CLEAN = 0
    LEAKING = 1  # no symptom, but a finding or an open descriptor
    RETRIED = 2  # no error reached the program, but the server got a request twice
    LOGGED = 3
    RAISED = 4
    HANG = 5
    CRASH = 6


_LEVEL_OF_SYMPTOM = {
    "retried": Level.RETRIED,
    "logged": Level.LOGGED,
    "raised": Level.RAISED,
    "hang": Level.HANG,
    "crash": Level.CRASH,
}


def level(trial: Trial) -> Level:
    """How bad a trial that ran was.

    Raises:
        ValueError: the trial did not run, so there is no level.
    """
    if trial.symptom is None:
        raise ValueError(f"trial {trial.key} did not run ({trial.status}): it has no level")
    if trial.symptom != "none":
        return _LEVEL_OF_SYMPTOM[trial.symptom]
    accounting = trial.accounting
    hidden = (
        any(finding.severity in ("error", "leak") for finding in trial.findings)
        or accounting.requests != accounting.calls
        or accounting.answers != accounting.calls
        or accounting.fds_leaked > 0
    )
    return Level.LEAKING if hidden else Level.CLEAN


def judge(baseline: Sequence[Trial], fixed: Sequence[Trial]) -> str:
    """The verdict on a fix, one of `words.VERDICTS`."""
    before = {level(trial) for trial in baseline}
    after = {level(trial) for trial in fixed}
    if not before or not after:
        return "inconclusive"
    if before == {Level.CLEAN}:
        return "not reproduced"
    if min(after) > max(before):
        return "worsens"
    if Level.CLEAN in before or (Level.CLEAN in after and len(after) > 1):
        return "inconclusive"
    if after == {Level.CLEAN}:
        return "removes"
    if max(after) <= Level.RETRIED and max(after) < min(before):
        return "hides"
    if max(after) <= Level.RETRIED < max(before) and min(before) <= Level.RETRIED:
        # The baseline is silent now and then too, so the silence of the fix says nothing.
        return "inconclusive"
    # A symptom that only changes its kind, say from logged to raised and back between trials, is still there.
    return "no effect"
