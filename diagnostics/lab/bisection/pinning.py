"""The environment of each release, with the other packages held still.

The other packages are what a person would have got who installed the release on the day it was published (`date`), or
those of one day for all releases. The resolver may still choose another version of one of them: `moved` names it, and
`Pinning.with_packages_of` asks for a release with the other packages of its neighbour.

A resolution as of a past day stays valid and is kept for ever, so a search that was made once needs no index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from diagnostics.lab.bisection.releases import Release
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import PreparedEnvironment, prepare
from diagnostics.lab.environments.resolve import ResolveRequest, find_answer

DATE: Final = "date"
"""A value of `hold`: the day on which each release was published."""


@dataclass(frozen=True)
class Pinning:
    """What is the same in the environments of all releases.

    Attributes:
        package: whose releases are searched.
        python: such as `3.13`.
        requirements: what else the environment needs, pinned or not.
        hold: `date`, or a day such as `2025-10-10`.
    """

    package: str
    python: str
    requirements: tuple[str, ...]
    hold: str = DATE
    loop: str = "asyncio"

    def request(self, release: Release) -> ResolveRequest:
        """Returns what to ask the resolver for a release.

        The days are in UTC and end at midnight. Only wheels are installed.
        """
        return ResolveRequest(
            self.python,
            (f"{self.package}=={release.version}", *self.requirements),
            as_of=release.day if self.hold == DATE else self.hold,
            # A version that a person pins may be newer than the day.
            newer=(self.package, *pinned(self.requirements)),
        )

    def with_packages_of(self, release: Release, other: Release, packages: Mapping[str, str]) -> ResolveRequest:
        """Returns the request for a release with the packages that were installed with another one."""
        request = self.request(other)
        others = tuple(f"{name}=={version}" for name, version in sorted(packages.items()) if name != self.package)
        return replace(request, requirements=self.request(release).requirements, constraints=others)

    def prepare(self, release: Release, request: ResolveRequest, *, cache: Path, offline: bool) -> PreparedEnvironment:
        """Prepares an environment; raises what `lab.environments.prepare` raises."""
        lock = find_answer(request, cache=cache, offline=offline)
        wanted = Combination(self.python, ((self.package, release.version),), self.loop, request.as_of)
        return prepare(wanted, cache=cache, offline=offline, lock=lock)


def pinned(requirements: tuple[str, ...]) -> list[str]:
    """Returns the distributions that are required in one version."""
    parsed = [Requirement(text) for text in requirements]
    return sorted(canonicalize_name(each.name) for each in parsed if str(each.specifier).startswith("=="))


def requirement(text: str) -> str:
    """Returns a requirement such as `httpx==0.27.2` in its normal form.

    Raises:
        ValueError: the text is not a requirement, or it names a file or a URL.
    """
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        raise ValueError(f"{text!r} is not a requirement such as httpx==0.27.2") from None
    if parsed.url:
        raise ValueError(f"{text!r} names a URL; only releases of the package index can be pinned")
    return str(parsed)


def moved(
    package: str, before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """Returns the other packages that differ between two sides: name to both versions."""
    names = sorted({*before, *after} - {package})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
