"""Whether newer versions help: the baseline's symptom as stretches over the releases of the matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from diagnostics.model.cell import Load
from diagnostics.model.libraries import named
from diagnostics.report.view.aggregate import worst
from diagnostics.report.view.view_models import History, Subject, SymptomSpan

_STACKS = named("client")


class ProviderRelease(NamedTuple):
    """The version of a provider, and the HTTP stack beneath it: its name, or "", and its version."""

    version: str
    stack: str
    below: str

    @classmethod
    def of(cls, provider: str, packages: Mapping[str, str]) -> ProviderRelease:
        """The release in an environment; its version is "" where the provider is not installed."""
        stacks = generation(provider, packages)
        stack = stacks.partition("+")[2] or stacks
        return cls(packages.get(provider, ""), stack, packages.get(stack, ""))

    def __str__(self) -> str:
        """Such as `3.54.0 (httpx2 2.16.2)`."""
        return f"{self.version} ({self.stack} {self.below})" if self.stack else self.version

    @property
    def order(self) -> tuple[object, ...]:
        """Sorts releases, oldest first."""
        return (version_key(self.version), self.stack, version_key(self.below))


def generation(provider: str, packages: Mapping[str, str]) -> str:
    """The HTTP stack beneath a provider: `httpx`, `httpx2`, both where both are installed, or "" for a bare stack."""
    if provider in _STACKS:
        return ""
    return "+".join(stack for stack in _STACKS if stack in packages)


def histories(subjects: Iterable[Subject], loops: dict[str, str]) -> tuple[History, ...]:
    """One history for each provider, scenario, Python, loop and load whose baseline ran on two releases or more."""
    seen: dict[tuple[str, str, str, str, Load], dict[ProviderRelease, list[str]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for subject in subjects:
        release = ProviderRelease.of(subject.provider, subject.environment.packages)
        if subject.baseline is not None and subject.baseline.symptom is not None and release.version:
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


def _stretches(releases: dict[ProviderRelease, list[str]]) -> tuple[SymptomSpan, ...]:
    ordered = sorted(releases, key=lambda release: release.order)
    points = [(str(release), worst(releases[release]) or "none") for release in ordered]
    runs = [(symptom, [label for label, _ in group]) for symptom, group in groupby(points, key=lambda point: point[1])]
    return tuple(SymptomSpan(labels[0], labels[-1], symptom, len(labels)) for symptom, labels in runs)


def _history_key(history: History) -> tuple[object, ...]:
    load = history.load
    return (
        history.provider,
        history.scenario,
        version_key(history.python),
        history.loop,
        (load.runs, load.calls, load.concurrency, load.retries),
    )
