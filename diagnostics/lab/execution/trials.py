"""Runs trials in workers that may end, so that one bad trial costs itself and no other.

A trial that was running when a worker ended is a *suspect*. The next worker runs the suspects one by one before the
others, so that a trial that ends its worker again is alone with it.

Runs, phases, searches and benchmarks all run their trials here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

from diagnostics.lab.execution.events import recorded
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult, conclude, not_run
from diagnostics.lab.execution.work import Spans
from diagnostics.lab.execution.worker import EssentialLost, Worker, WorkerLost
from diagnostics.lab.redactor import Redact
from diagnostics.model.cell import Environment

ATTEMPTS: Final = 3
"""Workers that may end while a trial runs, or without any, before that trial or all the others are given up."""

MOST_LOST: Final = 12
"""Workers that may end in all, for each trial that runs at once: if every trial ends its worker, more show nothing."""


def run_trials(
    plans: Sequence[TrialPlan],
    environment: Environment,
    open_worker: Callable[[], AbstractContextManager[Worker]],
    *,
    at_once: int,
    redact: Redact,
    spans: Spans | None = None,
    losses: list[str] | None = None,
) -> Iterator[TrialResult]:
    """Yields the result of every trial once, as it ends.

    A trial whose workers keep ending gets the status `broken`; so do all that have not ended when something that they
    need is gone.

    Args:
        environment: where the trials run.
        open_worker: gives a worker for as long as the block lasts; another one if the last has ended.
        at_once: trials that run at the same time.
        spans: receives when trials were running, on the clock of `time.perf_counter`.
        losses: receives what is gone.
    """
    left = {plan.key: plan for plan in plans}
    ended: Counter[str] = Counter()
    ended_idle, why = 0, ""
    while left and ended_idle < ATTEMPTS and ended.total() < MOST_LOST * at_once:
        given_up = []
        try:
            with open_worker() as worker:
                possible, results = _probed(worker, list(left.values()), environment, redact)
                for result in results:
                    del left[result.trial.key]
                    yield result
                for plan, result in _run(worker, possible, ended, at_once, environment, redact, spans):
                    del left[plan.key]
                    yield result
        except EssentialLost as error:
            why = str(error)
            if losses is not None:
                losses.append(why)
            break
        except WorkerLost as error:
            why = str(error)
            ended_idle += not error.running
            ended.update(plan.key for plan in error.running)
            given_up = [plan for plan in error.running if ended[plan.key] == ATTEMPTS]
        for plan in given_up:
            del left[plan.key]
            reason = f"{ATTEMPTS} workers ended while this trial ran: {why}"
            yield TrialResult(not_run(plan, environment, "broken", reason, redact))
    for plan in left.values():
        yield TrialResult(not_run(plan, environment, "broken", why, redact))


def _probed(
    worker: Worker, plans: Sequence[TrialPlan], environment: Environment, redact: Redact
) -> tuple[list[TrialPlan], list[TrialResult]]:
    """The trials whose provider works in this environment, and the results of the others."""
    possible, results = [], []
    for plan in plans:
        status, reason = worker.probe(plan.cell.provider)
        if status == "ran":
            possible.append(plan)
        else:
            record = not_run(plan, environment, status, reason or "no reason was given", redact)
            results.append(TrialResult(record))
    return possible, results


def _run(
    worker: Worker,
    plans: Sequence[TrialPlan],
    ended: Counter[str],
    at_once: int,
    environment: Environment,
    redact: Redact,
    spans: Spans | None,
) -> Iterator[tuple[TrialPlan, TrialResult]]:
    """Yields the results of one worker."""
    suspects = [[plan] for plan in plans if ended[plan.key]]
    others = [plan for plan in plans if not ended[plan.key]]
    began = time.perf_counter()
    try:
        for batch in (*suspects, others):
            for plan, traces in worker.run(batch, at_once):
                record = conclude(plan, environment, traces, redact)
                yield plan, TrialResult(record, recorded(plan, traces, redact))
    finally:
        if spans is not None:
            spans.append((began, time.perf_counter()))
