"""Trial sessions: trials of one target, for callers that look at results before they ask for more.

    with open_session(find_target("openai", None, cache=cache), cache=cache, redact=redact) as session:
        results = session.run(plans)

Trials run as in a run: in a worker of the target's interpreter, against the provider server, with the same limits and
the same retries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from diagnostics.lab.event_tail import EventListener, tail_events
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult
from diagnostics.lab.execution.trials import run_trials
from diagnostics.lab.execution.worker import Worker
from diagnostics.lab.execution.workers import Target, WorkerPool
from diagnostics.lab.redactor import Redact
from diagnostics.lab.target import other_targets
from diagnostics.model.limits import Limits


@dataclass(frozen=True)
class TrialSession:
    """Runs trials of one target.

    Attributes:
        workers: keeps the worker of the target from one call of `run` to the next.
        cache: where environments are kept.
        on_event: called with each event of an instrumented trial as it happens, from another thread.
    """

    target: Target
    workers: WorkerPool
    cache: Path
    redact: Redact
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    on_event: EventListener | None = None

    def run(self, plans: Sequence[TrialPlan], *, at_once: int = 1) -> list[TrialResult]:
        """Returns the results in the order of the plans; those of instrumented trials have their events."""
        recorded = [replace(plan, events=True) if plan.instrumented else plan for plan in plans]

        @contextmanager
        def worker() -> Iterator[Worker]:
            with (
                self.workers.worker(self.target, self.limits) as found,
                tail_events(found.folder, recorded, self.on_event, self.redact),
            ):
                yield found

        results = run_trials(recorded, self.target.environment, worker, at_once=at_once, redact=self.redact)
        by_key = {result.trial.key: result for result in results}
        return [by_key[plan.key] for plan in plans]

    def others(self, provider: str) -> Iterator[TrialSession]:
        """Yields a session for each other prepared environment that has a provider; see `other_targets`."""
        for target in other_targets(self.target, provider, self.cache):
            yield replace(self, target=target)


@contextmanager
def open_session(
    target: Target,
    *,
    cache: Path,
    redact: Redact,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    on_event: EventListener | None = None,
) -> Iterator[TrialSession]:
    """Opens a session with a provider server and one worker of its own; see `TrialSession` for the arguments.

    Raises:
        ServerError: the provider server cannot start.
    """
    with WorkerPool(cache, warm=1) as workers:
        yield TrialSession(target, workers, cache, redact, limits, on_event)
