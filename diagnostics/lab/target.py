"""Where the phases play their trials: this interpreter, if it has the SDK, or an environment of the matrix.

    with TrialSession(find_target("openai", None, cache=…), cache=…, redact=…) as session:
        for played in session.play(plans): ...

A trial is played exactly as in a run: by a worker of the target's interpreter, against the provider server. A session
keeps its worker from one call of `play` to the next, because importing is what costs.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from packaging.version import Version

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.as_of import on_day, parse_day
from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.environments import EnvironmentProblem, find_interpreter, prepare
from diagnostics.lab.event_tail import EventListener, read_events, tail_events
from diagnostics.lab.execution.outcome import TrialPlan, conclude, missing
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import Worker, WorkerLost
from diagnostics.lab.matrix import default_selection
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.plan import may_hold
from diagnostics.lab.server import ProviderServer
from diagnostics.model.cell import Environment
from diagnostics.model.event import EVENTS_SUFFIX, Event
from diagnostics.model.libraries import LIBRARIES
from diagnostics.model.trial import Trial

NEWEST = "newest"
"""As the name of an environment: the newest one of the matrix that this machine has prepared already."""


class TargetUnavailable(Exception):
    """There is nowhere to play; one line that says what to do."""


class UnknownTarget(TargetUnavailable):
    """What was asked for cannot be meant so: there is no such environment, or no such day."""


@dataclass(frozen=True)
class Target:
    """An interpreter with packages in it."""

    python: Path
    environment: Environment


@dataclass(frozen=True)
class PlayedTrial:
    """A trial, and what its watch wrote down; no events where it was not instrumented."""

    trial: Trial
    events: tuple[Event, ...] = ()


def find_target(
    provider: str, environment: str | None, *, cache: Path, offline: bool = False, as_of: str | None = None
) -> Target:
    """Where a phase runs.

    Args:
        provider: one of the table of providers.
        environment: a slug of the matrix or `newest`; `None` for this interpreter.
        as_of: a day: a slug's environment as it would have been installed then; without a slug, the newest of that day.

    Raises:
        UnknownTarget: there is no such environment, or no such day.
        TargetUnavailable: this interpreter has no such SDK, or the environment cannot be prepared.
    """
    distribution = PROVIDERS[provider].distribution
    if environment is None and as_of is None:
        here = this_interpreter()
        if distribution not in here.environment.packages:
            raise TargetUnavailable(
                f"this interpreter has no {distribution}: python -m pip install {distribution}, "
                f"or say --environment {NEWEST} (or a slug of the matrix) for a prepared one"
            )
        return here
    try:
        combination = _named(environment or NEWEST, distribution, cache, as_of, offline=offline)
        prepared = prepare(combination, cache=cache, offline=offline)
    except MatrixError as error:
        raise UnknownTarget(str(error)) from None
    except EnvironmentProblem as problem:
        raise TargetUnavailable(f"{environment or as_of} cannot be prepared: {problem.reason}") from None
    if distribution not in prepared.environment.packages:
        raise TargetUnavailable(f"{combination.slug} has no {distribution}: choose another --environment or --provider")
    return Target(prepared.python, prepared.environment)


def this_interpreter() -> Target:
    """The interpreter that runs this, with what is installed for it.

    Its name is made of everything that is installed; the record lists the SDKs and what they need. What else a person
    has installed, things of their own among it, is nobody's business.
    """
    packages = {
        normal(found.metadata["Name"]): found.version
        for found in importlib.metadata.distributions()
        if found.metadata["Name"]
    }
    version = platform.python_version()
    words = "\n".join([version, platform.python_implementation(), *(f"{n}=={v}" for n, v in sorted(packages.items()))])
    digest = hashlib.sha256(words.encode()).hexdigest()[:8]
    environment = Environment(f"py{version}-here-{digest}", version, packages=concerning(packages))
    return Target(Path(sys.executable), environment)


def normal(name: str) -> str:
    """A distribution's one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def concerning(packages: Mapping[str, str]) -> dict[str, str]:
    """Of what is installed, the SDKs, their transports and whatever these depend on."""
    left = list(LIBRARIES)
    found: dict[str, str] = {}
    while left:
        name = left.pop()
        if name in packages and name not in found:
            found[name] = packages[name]
            left += [normal(re.split(r"[^A-Za-z0-9._-]", need, maxsplit=1)[0]) for need in _needs(name)]
    return dict(sorted(found.items()))


def _needs(name: str) -> list[str]:
    return [need for need in importlib.metadata.requires(name) or () if "extra ==" not in need]


def prepared_combinations(cache: Path) -> list[Combination]:
    """The combinations of the matrix whose environments are in the cache, newest first, without extras last."""
    there = [path.name.rpartition("-")[0] for path in (cache / "environments").glob("py*") if path.is_dir()]
    found = [combination for combination in load_matrix() if combination.slug in there]
    return sorted(found, key=_age, reverse=True)


def _age(combination: Combination) -> tuple[Version, Version, Version, bool]:
    python, openai, httpx = (combination.version(axis) or Version("0") for axis in ("python", "openai", "httpx"))
    return (python, openai, httpx, combination.value("aiohttp") is None)


def _named(slug: str, distribution: str, cache: Path, as_of: str | None, *, offline: bool) -> Combination:
    day = parse_day(as_of) if as_of else None
    if slug == NEWEST and day is not None:
        pythons = sorted({each.python for each in load_matrix()}, key=Version, reverse=True)
        there = [python for python in pythons if find_interpreter(python) is not None]
        return on_day(day, there, {}, cache=cache, offline=offline)
    if slug == NEWEST:
        for combination in prepared_combinations(cache):
            if distribution in may_hold(combination) and find_interpreter(combination.python) is not None:
                return combination
        raise TargetUnavailable(f"no environment with {distribution} is prepared yet: nox -s repro prepares them")
    for combination in load_matrix():
        if combination.slug == slug:
            return replace(combination, as_of=day)
    raise MatrixError(
        f"the matrix has no environment {slug!r}; the environments/ of a run hold a file for each, and so does "
        "diagnostics/lab/locks"
    )


class TrialSession:
    """Plays trials in one target, one worker for all of them.

    Args:
        cache: where environments and the inside zone are kept.
        redact: takes secrets and this machine's names out of a text.
        timeout: seconds a trial may take.
        listen: told of each trial as it ends.
        tell: told of each event of a instrumented trial as it happens, from another thread.
    """

    def __init__(
        self,
        target: Target,
        *,
        cache: Path,
        redact: Callable[[str], str],
        timeout: float = 20.0,
        listen: Callable[[PlayedTrial], None] | None = None,
        tell: EventListener | None = None,
    ) -> None:
        self.target = target
        self._cache = cache
        self._redact = redact
        self._timeout = timeout
        self._listen = listen
        self._tell = tell
        self._stack = ExitStack()
        self._worker: Worker | None = None
        self._probed: dict[str, tuple[str, str | None]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the worker and the server; the next `play` starts others."""
        self._worker = None
        self._probed.clear()
        self._stack.close()

    def play(self, plans: Sequence[TrialPlan], *, at_once: int = 1) -> list[PlayedTrial]:
        """Plays trials, in the order of the plans.

        A worker that is lost is started again once; what cannot be played is a trial with the status `broken`.

        Raises:
            ServerError: the provider server cannot start.
            OSError: the cache cannot be written.
        """
        done: dict[str, PlayedTrial] = {}
        why = ""
        for _ in range(2):
            left = [plan for plan in plans if plan.key not in done]
            try:
                for played in self._play(left, at_once):
                    done[played.trial.key] = played
                    if self._listen is not None:
                        self._listen(played)
            except WorkerLost as error:
                why = str(error)
                self.close()
        environment = self.target.environment
        for plan in plans:
            if plan.key not in done:
                done[plan.key] = PlayedTrial(missing(plan, environment, "broken", why, self._redact))
        return [done[plan.key] for plan in plans]

    def elsewhere(self, provider: str) -> Iterator[TrialSession]:
        """A session for each other environment that is prepared and has the provider; the caller closes each.

        Of the newest Python all of them, of every other one the newest of each generation of the HTTP stack.
        """
        distribution = PROVIDERS[provider].distribution
        there = [each for each in prepared_combinations(self._cache) if each.value("aiohttp") is None]
        pythons = {each.python for each in there if find_interpreter(each.python) is not None}
        for combination in default_selection(there, pythons):
            try:
                prepared = prepare(combination, cache=self._cache, offline=True)
            except EnvironmentProblem:
                continue  # half of it is gone since it was listed; it would have to be built anew
            found = Target(prepared.python, prepared.environment)
            if distribution in found.environment.packages and found.environment.name != self.target.environment.name:
                yield TrialSession(
                    found,
                    cache=self._cache,
                    redact=self._redact,
                    timeout=self._timeout,
                    listen=self._listen,
                    tell=self._tell,
                )

    def _play(self, plans: Iterable[TrialPlan], at_once: int) -> Iterator[PlayedTrial]:
        environment = self.target.environment
        possible = []
        for plan in plans:
            status, reason = self._probe(plan.cell.provider)
            if status == "ran":
                possible.append(plan)
            else:
                yield PlayedTrial(missing(plan, environment, status, reason or "no reason was given", self._redact))
        if possible:
            worker = self._ready()
            instrumented = {plan.key: plan for plan in possible if plan.instrumented}
            with tail_events(worker.folder, instrumented, self._tell if instrumented else None, self._redact):
                for plan, traces in worker.run(possible, at_once):
                    trial = conclude(plan, environment, traces, self._redact)
                    yield PlayedTrial(trial, self._events(worker, plan))

    def _probe(self, provider: str) -> tuple[str, str | None]:
        if provider not in self._probed:
            self._probed[provider] = self._ready().probe(provider)
        return self._probed[provider]

    def _ready(self) -> Worker:
        if self._worker is None:
            server = self._stack.enter_context(ProviderServer())
            self._worker = self._stack.enter_context(
                Worker(
                    self.target.python,
                    stage_code(self._cache),
                    server,
                    loop=self.target.environment.loop,
                    timeout=self._timeout,
                    events=True,
                )
            )
        return self._worker

    def _events(self, worker: Worker, plan: TrialPlan) -> tuple[Event, ...]:
        if not plan.instrumented:
            return ()
        return read_events(worker.folder / (plan.key + EVENTS_SUFFIX), self._redact)
