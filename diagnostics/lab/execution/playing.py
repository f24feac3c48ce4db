"""Plays trials with workers that may end, and makes sure that one bad trial costs itself and nothing else.

A trial that was in hand when a worker ended is a *suspect*: the next worker plays the suspects one by one before the
others, so that whoever ends it again has been alone with it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from diagnostics.lab.execution.outcome import TrialPlan, TrialResult, conclude, missing
from diagnostics.lab.execution.timeline import timeline
from diagnostics.lab.execution.work import Redact
from diagnostics.lab.execution.worker import Worker, WorkerLost
from diagnostics.model.cell import Environment

LIVES = 3
"""How many workers may end with the same trial in hand, or with none, before it or the rest are given up."""

WORKERS = 12
"""How many may end in all: where every trial ends its worker, there is no point in showing it a thousand times."""

Spans = list[tuple[float, float]]
"""When trials were in flight, from and to, in seconds since the epoch."""


def play(
    plans: Sequence[TrialPlan],
    environment: Environment,
    hire: Callable[[], AbstractContextManager[Worker]],
    *,
    at_once: int,
    clean: Redact,
    spans: Spans,
) -> Iterator[TrialResult]:
    """Yields the result of every trial, once each, as it ends.

    Args:
        hire: a worker for as long as the block lasts; a new one where the last has ended.
        at_once: trials in flight.
        spans: gets what it is named after.
    """
    left = {plan.key: plan for plan in plans}
    ended: Counter[str] = Counter()
    barren, why = 0, ""
    while left and barren < LIVES and ended.total() < WORKERS * at_once:
        given_up = []
        try:
            with hire() as worker:
                for result in _with(worker, list(left.values()), environment, ended, at_once, clean, spans):
                    del left[result.trial.key]
                    yield result
        except WorkerLost as error:
            why = str(error)
            barren += not error.in_flight
            ended.update(plan.key for plan in error.in_flight)
            given_up = [plan for plan in error.in_flight if ended[plan.key] == LIVES]
        for plan in given_up:
            del left[plan.key]
            reason = f"{LIVES} workers ended with this trial in hand: {why}"
            yield TrialResult(missing(plan, environment, "broken", reason, clean))
    for plan in left.values():
        yield TrialResult(missing(plan, environment, "broken", why, clean))


def _with(
    worker: Worker,
    plans: Sequence[TrialPlan],
    environment: Environment,
    ended: Counter[str],
    at_once: int,
    clean: Redact,
    spans: Spans,
) -> Iterator[TrialResult]:
    """Yields what one worker makes of the plans."""
    cannot = {}
    for provider in dict.fromkeys(plan.cell.provider for plan in plans):
        status, reason = worker.probe(provider)
        if status != "ran":
            cannot[provider] = status, reason or "no reason was given"
    for plan in plans:
        if plan.cell.provider in cannot:
            yield TrialResult(missing(plan, environment, *cannot[plan.cell.provider], clean))
    possible = [plan for plan in plans if plan.cell.provider not in cannot]
    suspects = [[plan] for plan in possible if ended[plan.key]]
    others = [plan for plan in possible if not ended[plan.key]]
    began = time.time()
    try:
        for batch in (*suspects, others):
            for plan, traces in worker.run(batch, at_once):
                yield TrialResult(conclude(plan, environment, traces, clean), timeline(traces, clean))
    finally:
        spans.append((began, time.time()))
