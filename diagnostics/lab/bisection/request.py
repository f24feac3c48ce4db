"""A bisection as a person requests it: `run_bisection(BisectRequest("openai"), …)` returns its record.

Names are checked before anything is fetched. Then the releases are listed, a Python is chosen and the search runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.as_of import parse_day
from diagnostics.lab.bisection.cell import CellRunner
from diagnostics.lab.bisection.criterion import Criterion, parse_criterion
from diagnostics.lab.bisection.evaluate import Evaluator, OutcomeRunner
from diagnostics.lab.bisection.history import SAMPLES, SearchResult, find_changes
from diagnostics.lab.bisection.pinning import DATE, Pinning, requirement
from diagnostics.lab.bisection.releases import Release, read_releases
from diagnostics.lab.bisection.scope import InvalidRequest, scope
from diagnostics.lab.bisection.script import ScriptRunner, dependencies
from diagnostics.lab.bisection.session import Search, SearchListener
from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments import Unavailable, find_interpreter, installed
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.redactor import Redact
from diagnostics.model.bisection import Bisection
from diagnostics.model.cell import BASELINE, Load
from diagnostics.model.errors import unknown
from diagnostics.model.libraries import LIBRARIES, SEARCHED, Searched
from diagnostics.model.limits import Limits


@dataclass(frozen=True)
class BisectRequest:
    """What a person asks for; `None` stands for the search's own choice.

    Attributes:
        package: one of `SEARCHED`.
        provider: whose client calls; by default, the package's own.
        script: a program to run instead of a scenario.
        good: the version at the lower end, such as `1.0.0`.
        bad: the version at the upper end.
        requirements: what else to install, such as `httpx==0.27.2`.
        by: what counts as a change; see `criterion.parse_criterion`.
        every: whether to search for every change.
        samples: into how many parts the range is cut at first, if so.
        pre: whether pre-releases count.
        hold: how the other packages are held still: `date`, or a day.
        jobs: environments prepared ahead at the same time; 0 for none.
        trials: in a round, as many with the sanitizer as without.
    """

    package: str
    scenario: str = "repeated-run"
    provider: str | None = None
    script: Path | None = None
    fix: str = BASELINE
    load: Load = Load()  # noqa: RUF009 - frozen
    python: str | None = None
    good: str | None = None
    bad: str | None = None
    requirements: tuple[str, ...] = ()
    by: str = "outcome"
    every: bool = False
    samples: int = SAMPLES
    pre: bool = False
    hold: str = DATE
    jobs: int = 2
    trials: int = 3
    mode: str = "fork"
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    offline: bool = False


def run_bisection(
    request: BisectRequest,
    *,
    cache: Path,
    redact: Redact,
    listener: SearchListener,
    command: tuple[str, ...] = (),
) -> Bisection:
    """Searches for the release that changed an outcome.

    Args:
        command: what a person types to repeat the search, for the record.

    Raises:
        InvalidRequest: a name, a version or a day is invalid.
        ReleasesUnavailable: the index has no such package, or lists no days.
        SearchFailed: an end has no outcome, or the ends do not differ.
        EnvironmentProblem: the index does not answer, or there is no interpreter.
    """
    started = time.perf_counter()
    plan = _plan(request, cache, redact, listener)
    with _pool(request.jobs) as pool:
        search = _chosen_search(request, lambda python: plan.search(python, pool))
        result = find_changes(
            search,
            package=plan.package,
            cache=cache,
            named=(request.good is not None, request.bad is not None),
            every=request.every,
            samples=request.samples,
        )
    interpreter = find_interpreter(search.pinning.python)
    assert interpreter is not None
    seconds = round(time.perf_counter() - started, 3)
    return _record(plan, result, python=interpreter.version, command=command, seconds=seconds)


@dataclass(frozen=True)
class _Plan:
    """A checked request, and all that its search needs but the Python."""

    request: BisectRequest
    package: Searched
    provider: str
    requirements: tuple[str, ...]
    criterion: Criterion
    releases: Sequence[Release]
    runner: OutcomeRunner
    cache: Path
    redact: Redact
    listener: SearchListener

    def search(self, python: str, pool: Executor | None) -> Search:
        """Returns the search on a Python."""
        request = self.request
        candidates = scope(
            request.package,
            self.releases,
            python=python,
            good=request.good,
            bad=request.bad,
            first=self.package.first,
            pre=request.pre,
        )
        pinning = Pinning(request.package, python, self.requirements, request.hold, self.package.loop)
        evaluator = Evaluator(
            pinning,
            self.runner,
            pool=pool,
            cache=self.cache,
            trials=request.trials,
            offline=request.offline,
            redact=self.redact,
        )
        return Search(candidates, pinning, evaluator, self.criterion, self.listener)


def _plan(request: BisectRequest, cache: Path, redact: Redact, listener: SearchListener) -> _Plan:
    package = SEARCHED[_known("package", request.package, SEARCHED)]
    provider = _known("provider", request.provider or package.provider, PROVIDERS)
    _known("scenario", request.scenario, SCENARIOS)
    _known("fix", request.fix, FIXES)
    return _Plan(
        replace(request, hold=_hold(request.hold)),
        package,
        provider,
        _requirements(request, package, provider),
        parse_criterion(request.by, is_script=request.script is not None),
        read_releases(request.package, cache=cache, offline=request.offline),
        _runner(request, provider, cache, redact),
        cache,
        redact,
        listener,
    )


@contextmanager
def _pool(jobs: int) -> Iterator[Executor | None]:
    if not jobs:
        yield None
        return
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _chosen_search(request: BisectRequest, on: Callable[[str], Search]) -> Search:
    """The search on the Python that a person names, or on the newest one on which both ends have an outcome."""
    if request.python is not None:
        if find_interpreter(request.python) is None:
            python = request.python
            raise Unavailable(f"Python {python} is not installed; install it, for example: uv python install {python}")
        return on(request.python)
    possible: list[Search] = []
    refused: list[InvalidRequest] = []
    for python in _pythons():
        try:
            search = on(python)
        except InvalidRequest as error:  # fewer than two candidates there
            refused.append(error)
            continue
        if all(search.evaluate(index).outcome is not None for index in search.ends):
            return search
        possible.append(search)
    if not possible:
        raise refused[0]
    return possible[0]


def _pythons() -> list[str]:
    # That a release installs on the newest Python is no sign that it works there: each is tried in turn.
    named = {combination.python for combination in load_matrix()}
    found = installed(named)
    if not found:
        raise Unavailable(
            f"none of Python {', '.join(sorted(named, key=Version))} is installed; install one, for example: "
            "uv python install 3.13"
        )
    return found


def _runner(request: BisectRequest, provider: str, cache: Path, redact: Redact) -> OutcomeRunner:
    limits = request.limits
    if request.script is not None:
        return ScriptRunner(request.script, LIBRARIES[request.package].module, limits.timeout, cache, redact)
    return CellRunner(provider, request.scenario, request.fix, request.load, request.mode, limits, cache, redact)


def _requirements(request: BisectRequest, package: Searched, provider: str) -> tuple[str, ...]:
    """What the environment needs beside the package: what a person adds, then what makes the package be used."""
    try:
        added = [requirement(text) for text in request.requirements]
    except ValueError as error:
        raise InvalidRequest(f"--with {error}") from None
    if request.script is not None:
        # A script names its own dependencies; what it says about the package is what is searched for.
        needed = dependencies(request.script)
    else:
        needed = [*package.requirements, PROVIDERS[provider].distribution]
    names = {_name(text) for text in added}
    if request.package in names:
        raise InvalidRequest(f"--with names {request.package}, whose releases are searched; leave it out")
    return (*added, *dict.fromkeys(text for text in needed if _name(text) not in {request.package, *names}))


def _name(text: str) -> str:
    return canonicalize_name(Requirement(text).name)


def _hold(text: str) -> str:
    if text == DATE:
        return text
    try:
        return parse_day(text)
    except MatrixError:
        raise InvalidRequest(f"--hold {text!r} is neither {DATE} nor a day such as 2025-10-10") from None


def _known(kind: str, name: str, table: Collection[str]) -> str:
    if name not in table:
        raise InvalidRequest(unknown(kind, name, table))
    return name


def _record(plan: _Plan, result: SearchResult, *, python: str, command: tuple[str, ...], seconds: float) -> Bisection:
    request = plan.request
    return Bisection(
        package=request.package,
        provider=plan.provider,
        what=request.scenario if request.script is None else request.script.name,
        is_script=request.script is not None,
        fix=request.fix,
        load=request.load,
        python=python,
        loop=plan.package.loop,
        hold=request.hold,
        requirements=plan.requirements,
        by=request.by,
        every=request.every,
        releases=result.releases,
        changes=result.changes,
        history=result.history,
        tried=tuple(replace(each, packages={}) for each in result.tried),
        command=command,
        seconds=seconds,
    )
