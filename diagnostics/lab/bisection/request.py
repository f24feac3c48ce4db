"""A search as a person asks for it, and the whole of it: `answer(asked, …)` gives the record.

Names are checked before anything is fetched, releases are listed, the Python is chosen, the search runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.as_of import parse_day
from diagnostics.lab.bisection import criterion, pythons
from diagnostics.lab.bisection.cell import CellRunner
from diagnostics.lab.bisection.evaluate import Evaluator, Player
from diagnostics.lab.bisection.history import SAMPLES, SearchResult, find
from diagnostics.lab.bisection.pinning import DATE, Pinning, requirement
from diagnostics.lab.bisection.releases import read_releases
from diagnostics.lab.bisection.scope import InvalidRequest, scope
from diagnostics.lab.bisection.script import ScriptRunner, dependencies
from diagnostics.lab.bisection.session import Search, SearchListener
from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments import Unavailable, find_interpreter
from diagnostics.model.bisection import Bisection
from diagnostics.model.cell import BASELINE, Load
from diagnostics.model.errors import unknown
from diagnostics.model.libraries import LIBRARIES, SEARCHED, Searched


@dataclass(frozen=True)
class BisectRequest:
    """What a person asks for; `None` is what the search chooses.

    Attributes:
        package: one of `SEARCHED`.
        provider: whose client calls; the package's own, if nobody says.
        script: a program to run instead of a scenario.
        good: the version at the lower end, such as `1.0.0`.
        bad: the version at the upper end.
        requirements: what else is to be there, such as `httpx==0.27.2`.
        by: what counts as a change, as `criterion.reader` reads it.
        every: whether to look for every change.
        samples: into how many parts the range is cut at first, if so.
        pre: whether pre-releases count.
        hold: `date`, or a day.
        jobs: environments prepared ahead at the same time; 0 for none.
        trials: in a round, with and without the sanitizer each.
        timeout: seconds a trial may take.
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
    timeout: float = 30.0
    offline: bool = False


def answer(
    asked: BisectRequest,
    *,
    cache: Path,
    redact: Callable[[str], str],
    listener: SearchListener,
    command: tuple[str, ...] = (),
) -> Bisection:
    """Searches.

    Args:
        redact: takes secrets and this machine's names out of a text.
        command: what a person types to see it again, for the record.

    Raises:
        InvalidRequest: a name, a version or a day cannot be meant so.
        ReleasesUnavailable: the index has no such package, or lists no days.
        SearchFailed: an end cannot tell, or the ends do not differ.
        EnvironmentProblem: the index does not answer, or there is no interpreter.
    """
    started = time.perf_counter()
    package = SEARCHED[_known("package", asked.package, SEARCHED)]
    provider = _known("provider", asked.provider or package.provider, PROVIDERS)
    _known("scenario", asked.scenario, SCENARIOS)
    _known("fix", asked.fix, FIXES)
    label = criterion.reader(asked.by, is_script=asked.script is not None)
    wanted = _requirements(asked, package, provider)
    hold = _day(asked.hold)
    releases = read_releases(asked.package, cache=cache, offline=asked.offline)

    player = _player(asked, provider, cache=cache, redact=redact)
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(asked.jobs)) if asked.jobs else None
        if pool is not None:
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)

        def on(python: str) -> Search:
            ends = scope(
                asked.package,
                releases,
                python=python,
                good=asked.good,
                bad=asked.bad,
                first=package.first,
                pre=asked.pre,
            )
            held = Pinning(asked.package, python, wanted, hold, package.loop)
            judge = Evaluator(
                held,
                player,
                pool=pool,
                cache=cache,
                trials=asked.trials,
                offline=asked.offline,
                redact=redact,
            )
            return Search(ends, held, judge, label, listener)

        search = _chosen(asked, on)
        found = find(
            search,
            package=package,
            cache=cache,
            named=(asked.good is not None, asked.bad is not None),
            every=asked.every,
            samples=asked.samples,
        )
    interpreter = find_interpreter(search.held.python)
    assert interpreter is not None
    return _record(
        asked,
        found,
        provider,
        interpreter.version,
        package.loop,
        wanted,
        command,
        round(time.perf_counter() - started, 3),
    )


def _chosen(asked: BisectRequest, on: Callable[[str], Search]) -> Search:
    """The search on the Python that a person names, or on the newest on which both ends can tell."""
    if asked.python is not None:
        if find_interpreter(asked.python) is None:
            raise Unavailable(
                f"this machine has no Python {asked.python}; install it, for example: uv python install {asked.python}"
            )
        return on(asked.python)
    searches: dict[str, Search] = {}

    def tells(python: str) -> bool:
        searches[python] = on(python)
        return all(searches[python].look(index).outcome is not None for index in searches[python].ends)

    return searches[pythons.choose(pythons.available(), tells)]


def _player(asked: BisectRequest, provider: str, *, cache: Path, redact: Callable[[str], str]) -> Player:
    if asked.script is not None:
        return ScriptRunner(asked.script, LIBRARIES[asked.package].module, asked.timeout, cache, redact)
    return CellRunner(provider, asked.scenario, asked.fix, asked.load, asked.mode, asked.timeout, cache, redact)


def _requirements(asked: BisectRequest, package: Searched, provider: str) -> tuple[str, ...]:
    """What the environment needs beside the package: what a person wants, then what makes the package be used."""
    try:
        wanted = [requirement(text) for text in asked.requirements]
    except ValueError as error:
        raise InvalidRequest(f"--with {error}") from None
    if asked.script is not None:
        # The script says itself what else it needs; what it says of the package is what is searched for.
        needed = dependencies(asked.script)
    else:
        needed = [*package.requirements, PROVIDERS[provider].distribution]
    named = {_name(text) for text in wanted}
    if asked.package in named:
        raise InvalidRequest(f"--with names {asked.package}, whose releases are searched: leave it out")
    return (*wanted, *dict.fromkeys(text for text in needed if _name(text) not in {asked.package, *named}))


def _name(text: str) -> str:
    return canonicalize_name(Requirement(text).name)


def _day(text: str) -> str:
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


def _record(
    asked: BisectRequest,
    found: SearchResult,
    provider: str,
    python: str,
    loop: str,
    wanted: tuple[str, ...],
    command: tuple[str, ...],
    seconds: float,
) -> Bisection:
    return Bisection(
        package=asked.package,
        provider=provider,
        what=asked.scenario if asked.script is None else asked.script.name,
        is_script=asked.script is not None,
        fix=asked.fix,
        load=asked.load,
        python=python,
        loop=loop,
        hold=asked.hold,
        requirements=wanted,
        by=asked.by,
        every=asked.every,
        releases=found.releases,
        changes=found.changes,
        history=found.history,
        tried=tuple(replace(each, packages={}) for each in found.tried),
        command=command,
        seconds=seconds,
    )
