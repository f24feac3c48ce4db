"""The environment of a release, with everything else held still.

What a person would have got who installed the release on the day it came out (`date`), or beside the packages of one
day whatever the release: that day. Where the resolver moves another package all the same, `moved` names it, and `among`
asks for a release with the other packages of its neighbour.
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
"""As what to hold: the day of each release."""


@dataclass(frozen=True)
class Pinning:
    """What is the same for every release.

    Attributes:
        package: whose releases are tried.
        python: such as `3.13`.
        requirements: what else the environment needs, pinned or not.
        hold: `date`, or a day such as `2025-10-10`.
    """

    package: str
    python: str
    requirements: tuple[str, ...]
    hold: str = DATE
    loop: str = "asyncio"

    def question(self, release: Release) -> ResolveRequest:
        """What the resolver is asked for a release."""
        return ResolveRequest(
            self.python,
            (f"{self.package}=={release.version}", *self.requirements),
            as_of=release.day if self.hold == DATE else self.hold,
            # What a person pins is wanted on any day.
            newer=(self.package, *pinned(self.requirements)),
        )

    def among(self, release: Release, other: Release, packages: Mapping[str, str]) -> ResolveRequest:
        """A release among the packages that came with another one."""
        asked = self.question(other)
        others = tuple(f"{name}=={version}" for name, version in sorted(packages.items()) if name != self.package)
        return replace(asked, requirements=self.question(release).requirements, constraints=others)

    def prepare(self, release: Release, asked: ResolveRequest, *, cache: Path, offline: bool) -> PreparedEnvironment:
        """The environment; see `diagnostics.lab.environments.prepare` for what it raises."""
        lock = find_answer(asked, cache=cache, offline=offline)
        wanted = Combination(self.python, ((self.package, release.version),), self.loop, asked.as_of)
        return prepare(wanted, cache=cache, offline=offline, lock=lock)


def pinned(requirements: tuple[str, ...]) -> list[str]:
    """The distributions that are asked for in one version."""
    parsed = [Requirement(text) for text in requirements]
    return sorted(canonicalize_name(each.name) for each in parsed if str(each.specifier).startswith("=="))


def requirement(text: str) -> str:
    """A requirement as a person writes it, such as `httpx==0.27.2`, in its normal form.

    Raises:
        ValueError: it is none, or it names a file or an address.
    """
    try:
        parsed = Requirement(text)
    except InvalidRequirement:
        raise ValueError(f"{text!r} is not a requirement such as httpx==0.27.2") from None
    if parsed.url:
        raise ValueError(f"{text!r} names an address; only releases of the package index can be held still")
    return str(parsed)


def moved(
    package: str, before: Mapping[str, str], after: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """The other packages that are not the same on both sides: name to both versions."""
    names = sorted({*before, *after} - {package})
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}
