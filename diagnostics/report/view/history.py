"""Whether newer versions help: the baseline's symptom as stretches over the releases of the matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby

from packaging.version import InvalidVersion, Version

from diagnostics.model.cell import Load
from diagnostics.model.libraries import named
from diagnostics.report.view.aggregate import worst
from diagnostics.report.view.view_models import History, Subject, SymptomSpan

_STACKS = named("client")
_Release = tuple[str, str, str]  # of the provider; of the stack beneath it: name and version


def generation(provider: str, packages: dict[str, str]) -> str:
    """The HTTP stack beneath a provider: `httpx`, `httpx2`, both where both are installed, or "" for a bare stack."""
    if provider in _STACKS:
        return ""
    return "+".join(stack for stack in _STACKS if stack in packages)


def histories(subjects: Iterable[Subject], loops: dict[str, str]) -> tuple[History, ...]:
    """One history for each provider, scenario, Python, loop and load in which the baseline ran on two releases or more.

    Args:
        subjects: every subject of the run.
        loops: the name of an environment to its loop implementation.
    """
    seen: dict[tuple[str, str, str, str, Load], dict[_Release, list[str]]] = defaultdict(lambda: defaultdict(list))
    for subject in subjects:
        release = _release(subject)
        if subject.baseline is not None and subject.baseline.symptom is not None and release is not None:
            loop = loops.get(subject.environment.name, "asyncio")
            where = (subject.provider, subject.scenario, subject.environment.python, loop, subject.load)
            seen[where][release].append(subject.baseline.symptom)
    found = [
        History(provider, scenario, python, loop, load, _stretches(releases))
        for (provider, scenario, python, loop, load), releases in seen.items()
        if len(releases) > 1
    ]
    return tuple(sorted(found, key=_history_key))


def version_key(text: str) -> tuple[bool, Version, str]:
    """Sorts versions as packaging does, and what is not a version before all that are."""
    try:
        return (True, Version(text), text)
    except InvalidVersion:
        return (False, Version("0"), text)


def telling(found: Sequence[History]) -> tuple[History, ...]:
    """One history for each provider, scenario and load: on the Python with the most releases, the newest of those."""
    best: dict[tuple[str, str, Load], History] = {}
    for history in found:
        key = (history.provider, history.scenario, history.load)
        rank = (history.releases, version_key(history.python), history.loop == "asyncio")
        other = best.get(key)
        if other is None or rank > (other.releases, version_key(other.python), other.loop == "asyncio"):
            best[key] = history
    return tuple(best.values())


def _release(subject: Subject) -> _Release | None:
    packages = subject.environment.packages
    version = packages.get(subject.provider)
    if version is None:
        return None
    stack = subject.generation.partition("+")[2] or subject.generation
    return (version, stack, packages.get(stack, ""))


def _stretches(releases: dict[_Release, list[str]]) -> tuple[SymptomSpan, ...]:
    ordered = sorted(releases, key=lambda item: (version_key(item[0]), item[1], version_key(item[2])))
    points = [(_label(release), worst(releases[release]) or "none") for release in ordered]
    runs = [(symptom, [label for label, _ in group]) for symptom, group in groupby(points, key=lambda point: point[1])]
    return tuple(SymptomSpan(labels[0], labels[-1], symptom, len(labels)) for symptom, labels in runs)


def _label(release: _Release) -> str:
    version, stack, below = release
    return f"{version} ({stack} {below})" if stack else version


def _history_key(history: History) -> tuple[object, ...]:
    load = history.load
    return (
        history.provider,
        history.scenario,
        version_key(history.python),
        history.loop,
        (load.runs, load.calls, load.concurrency, load.retries),
    )
