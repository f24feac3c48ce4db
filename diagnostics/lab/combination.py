"""One combination of the matrix, and what a written value such as `<3` or `httpx2` says about it.

Standard library and `packaging` only: the noxfile imports this before anything else is installed. No IO.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from diagnostics.model.libraries import named, placed

GENERATIONS: Final = named("client")
"""The distributions that the `httpx` axis chooses between; an environment holds one of them."""

AXES: Final = ("python", *(name for name in placed("product") if name not in GENERATIONS[1:]))
"""The axes of the product, slowest first."""

EXTRAS: Final = (*placed("added"), *placed("own"), "loop")
"""What an `include` entry may add."""

LOOPS: Final = ("asyncio", "uvloop")

Predicate = Callable[["Combination"], bool]


class MatrixError(ValueError):
    """The matrix, or a choice from it, is invalid. The message is one line and names the valid values."""


@dataclass(frozen=True)
class Combination:
    """One environment that the matrix asks for: versions, not yet a lock.

    Attributes:
        python: as the matrix writes it, such as `3.13`.
        packages: pairs of distribution and version, in the order of the axes, then the extras.
        loop: `asyncio` or `uvloop`.
        as_of: the day on which the environment would have been installed, such as `2025-10-10`; nothing that was
            published later is in it. `None` for today.
        pins: what else is pinned, such as `anyio==4.16.0`.
        own: whether these are a person's own versions and not the matrix's.
    """

    python: str
    packages: tuple[tuple[str, str], ...]
    loop: str = "asyncio"
    as_of: str | None = None
    pins: tuple[str, ...] = ()
    own: bool = False

    @property
    def generation(self) -> str | None:
        """`httpx` or `httpx2`; `None` where the combination leaves it to the resolver."""
        return next((name for name, _ in self.packages if name in GENERATIONS), None)

    @property
    def slug(self) -> str:
        """A name for people and file systems, unique among all combinations.

        It names the packages that the combination pins, and the event loop unless it is asyncio. A package that is
        absent leaves no trace, so a new axis or provider renames no existing environment, lock or trial.
        Parts are joined by `_`, which occurs neither in a normalised distribution name nor in a version.
        """
        parts = [f"py{self.python}", *(f"{name}-{version}" for name, version in self.packages)]
        parts += [f"loop-{self.loop}"] if self.loop != "asyncio" else []
        parts += [f"pins-{hashlib.sha256(repr(self.pins).encode()).hexdigest()[:8]}"] if self.pins else []
        return "_".join([*parts, f"as-of-{self.as_of}"] if self.as_of else parts)

    @property
    def requirements(self) -> tuple[str, ...]:
        """The pins, such as `openai==3.54.0`."""
        return tuple(f"{name}=={version}" for name, version in self.packages)

    def value(self, key: str) -> str | None:
        """What this combination has on an axis or as an extra, as the matrix writes it; `None` for nothing."""
        if key == "python":
            return self.python
        if key == "loop":
            return self.loop
        if key == "httpx":
            return next((f"{name}=={version}" for name, version in self.packages if name in GENERATIONS), None)
        return dict(self.packages).get(key)

    def version(self, key: str) -> Version | None:
        """The version on an axis, or `None`."""
        value = self.value(key)
        return None if value is None else Version(value.rpartition("==")[2])

    @property
    def age(self) -> tuple[Version, ...]:
        """Sorts combinations, oldest first: by Python, then openai, then httpx."""
        return tuple(self.version(axis) or Version("0") for axis in ("python", "openai", "httpx"))


def predicate(key: str, text: str, *, prefix: bool = False) -> Predicate:
    """What a written value asks of a combination.

    Args:
        key: an axis or an extra.
        text: an exact version (`3.54.0`), a PEP 440 specifier (`>=2,<3`), for httpx also a distribution with or without
            one (`httpx2`, `httpx==0.27.2`), for loop its name.
        prefix: whether a version stands for all that begin with it, as people type it: `3` for every 3.x.

    Raises:
        MatrixError: the text is none of these.
    """
    if key == "loop":
        if text not in LOOPS:
            raise MatrixError(f"loop {text!r} is not known; there are {', '.join(LOOPS)}")
        return lambda combination: combination.loop == text
    name, rest = _split(key, text)
    test = _version_test(key, text, rest, prefix=prefix)

    def holds(combination: Combination) -> bool:
        version = combination.version(key)
        return version is not None and name in (None, combination.generation) and test(version)

    return holds


def _split(key: str, text: str) -> tuple[str | None, str]:
    """The distribution (httpx axis only) and the part about its version."""
    if key != "httpx" or not re.match(r"\s*[A-Za-z]", text):
        return None, text.strip()
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        requirement = None
    if requirement is None or requirement.name not in GENERATIONS or requirement.extras or requirement.marker:
        raise MatrixError(f"httpx {text!r} is not a requirement on {' or '.join(GENERATIONS)}")
    specifiers = list(requirement.specifier)
    if len(specifiers) == 1 and specifiers[0].operator == "==" and "*" not in specifiers[0].version:
        return requirement.name, specifiers[0].version
    return requirement.name, str(requirement.specifier)


def _version_test(key: str, text: str, rest: str, *, prefix: bool) -> Callable[[Version], bool]:
    try:
        if not rest or rest[0] in "<>=!~":
            specifiers = SpecifierSet(rest)
            return lambda version: specifiers.contains(version, prereleases=True)
        wanted = Version(rest)
        if prefix and wanted.public == wanted.base_version:
            start = SpecifierSet(f"=={rest}.*")
            return lambda version: version == wanted or start.contains(version, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        raise MatrixError(f"{key} {text!r} is neither a version nor a PEP 440 specifier") from None
    return lambda version: version == wanted
