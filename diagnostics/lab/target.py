"""Finds the interpreter that trials run in: this one, if it has the SDK, or that of an environment of the matrix."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from diagnostics.experiment.providers import PROVIDERS
from diagnostics.lab.as_of import on_day, parse_day
from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.environments import EnvironmentProblem, find_interpreter, installed, prepare
from diagnostics.lab.execution.workers import Target
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.plan import may_hold
from diagnostics.lab.selection import default_selection
from diagnostics.model.cell import Environment
from diagnostics.model.libraries import LIBRARIES

NEWEST: Final = "newest"
"""As the name of an environment: the newest one of the matrix that is prepared on this machine."""


class TargetUnavailable(Exception):
    """No interpreter is available; the message is one line that says what to do."""


class UnknownTarget(TargetUnavailable):
    """There is no such environment in the matrix, or the day is invalid."""


def find_target(
    provider: str, environment: str | None, *, cache: Path, offline: bool = False, as_of: str | None = None
) -> Target:
    """Returns the interpreter to run a provider's trials in.

    Args:
        provider: a name in `PROVIDERS`.
        environment: a slug of the matrix or `newest`; `None` for this interpreter.
        as_of: a day such as `2025-10-10`: the environment as it would have been installed then; without a slug, the
            newest environment of that day.

    Raises:
        UnknownTarget: there is no such environment, or the day is invalid.
        TargetUnavailable: the SDK is missing here, or the environment cannot be prepared.
    """
    distribution = PROVIDERS[provider].distribution
    if environment is None and as_of is None:
        here = this_interpreter()
        if distribution not in here.environment.packages:
            raise TargetUnavailable(
                f"{distribution} is not installed for this interpreter; run python -m pip install {distribution}, "
                f"or choose a prepared environment with --environment {NEWEST} (or a slug of the matrix)"
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
        raise TargetUnavailable(f"{combination.slug} has no {distribution}; choose another --environment or --provider")
    return Target(prepared.python, prepared.environment, prepared.files)


def this_interpreter() -> Target:
    """Returns the running interpreter.

    The name of its environment depends on everything that is installed. Its record lists only the SDKs and their
    dependencies, because the other packages may be private.
    """
    packages: dict[str, str] = {}
    for found in importlib.metadata.distributions():
        if found.metadata["Name"]:  # the first on `sys.path` is the one that is imported
            packages.setdefault(str(canonicalize_name(found.metadata["Name"])), found.version)
    version = platform.python_version()
    words = "\n".join([version, platform.python_implementation(), *(f"{n}=={v}" for n, v in sorted(packages.items()))])
    digest = hashlib.sha256(words.encode()).hexdigest()[:8]
    environment = Environment(f"py{version}-here-{digest}", version, packages=concerning(packages))
    return Target(Path(sys.executable), environment)


def shadowed(packages: Mapping[str, str]) -> dict[str, str]:
    """Returns, of these packages, those of which `sys.path` has another version behind the one that is imported.

    An overlay of `uv run --with` does that: what the tool needs comes before what the program has installed.
    """
    found = ((name, {each.version for each in importlib.metadata.distributions(name=name)}) for name in packages)
    return {name: ", ".join(sorted(more)) for name, all_ in found if (more := all_ - {packages[name]})}


def concerning(packages: Mapping[str, str]) -> dict[str, str]:
    """Returns, of what is installed, the SDKs, their transports and everything that these depend on."""
    left = list(LIBRARIES)
    found: dict[str, str] = {}
    while left:
        name = left.pop()
        if name in packages and name not in found:
            found[name] = packages[name]
            left += _dependencies(name)
    return dict(sorted(found.items()))


def _dependencies(name: str) -> list[str]:
    requirements = [text for text in importlib.metadata.requires(name) or () if "extra ==" not in text]
    # Not parsed: the metadata of any package is read here, and old ones have requirements that are invalid today.
    return [canonicalize_name(re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0]) for text in requirements]


def other_targets(target: Target, provider: str, cache: Path) -> Iterator[Target]:
    """Yields the other prepared environments that have a provider and are worth their time.

    These are all environments of the newest Python and, for every other Python, the newest of each HTTP stack.
    """
    distribution = PROVIDERS[provider].distribution
    combinations = [each for each in prepared_combinations(cache) if each.value("aiohttp") is None]
    pythons = installed(each.python for each in combinations)
    for combination in default_selection(combinations, pythons):
        try:
            prepared = prepare(combination, cache=cache, offline=True)
        except EnvironmentProblem:
            continue  # a part of it was deleted since it was listed, so it would have to be built again
        other = Target(prepared.python, prepared.environment, prepared.files)
        if distribution in other.environment.packages and other.environment.name != target.environment.name:
            yield other


def prepared_combinations(cache: Path) -> list[Combination]:
    """Returns the combinations of the matrix that are prepared, newest first; of equals, those without aiohttp."""
    slugs = [path.name.rpartition("-")[0] for path in (cache / "environments").glob("py*") if path.is_dir()]
    found = [combination for combination in load_matrix() if combination.slug in slugs]
    return sorted(found, key=lambda each: (each.age, each.value("aiohttp") is None), reverse=True)


def _named(slug: str, distribution: str, cache: Path, as_of: str | None, *, offline: bool) -> Combination:
    day = parse_day(as_of) if as_of else None
    if slug == NEWEST and day is not None:
        return on_day(day, installed(each.python for each in load_matrix()), {}, cache=cache, offline=offline)
    if slug == NEWEST:
        for combination in prepared_combinations(cache):
            if distribution in may_hold(combination) and find_interpreter(combination.python) is not None:
                return combination
        raise TargetUnavailable(f"no environment with {distribution} is prepared; run nox -s repro to prepare them")
    for combination in load_matrix():
        if combination.slug == slug:
            return replace(combination, as_of=day)
    raise MatrixError(
        f"the matrix has no environment {slug!r}; diagnostics/lab/locks and the environments folder of a run have a "
        "file for each"
    )
