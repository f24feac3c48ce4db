"""The releases to search: selected from what the index lists by what a person asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from packaging.version import InvalidVersion, Version

from diagnostics.lab.bisection.releases import Release


class InvalidRequest(Exception):
    """The request is invalid; the message is one line that says what to do."""


@dataclass(frozen=True)
class Scope:
    """The releases from one end to the other.

    Attributes:
        every: all of them, oldest version first.
        candidates: those that may work on this Python, which are searched.
    """

    every: tuple[Release, ...]
    candidates: tuple[Release, ...]
    python: str

    def between(self, before: str, after: str) -> list[Release]:
        """Returns the releases between two, without both."""
        low, high = Version(before), Version(after)
        return [release for release in self.every if low < Version(release.version) < high]

    def span(self, first: str, last: str) -> int:
        """Returns how many there are from one to another, both counted."""
        return len(self.between(first, last)) + (1 if first == last else 2)


def scope(
    package: str,
    releases: Sequence[Release],
    *,
    python: str,
    good: str | None = None,
    bad: str | None = None,
    first: str = "",
    pre: bool = False,
) -> Scope:
    """Returns the releases to search.

    Args:
        good: the version at the lower end; `None` for the first.
        bad: the version at the upper end; `None` for the newest.
        first: where to begin if there is no `good`.
        pre: whether pre-releases count. One that is named as an end always does.

    Raises:
        InvalidRequest: an end is not a release or cannot work on this Python, or the range is reversed or too small.
    """
    low = _end(package, releases, "--good", good, python)
    high = _end(package, releases, "--bad", bad, python)
    if low and high and low == high:
        raise InvalidRequest(f"--good and --bad are both {low}; name two releases")
    if low and high and low > high:
        raise InvalidRequest(f"the range is reversed: {low} comes after {high}; swap --good and --bad")
    begin = low or (Version(first) if first else None)
    every = tuple(
        release
        for release in releases
        if (version := Version(release.version)) in (low, high)
        or (
            (pre or not version.is_prerelease)
            and (begin is None or version >= begin)
            and (high is None or version <= high)
        )
    )
    candidates = tuple(release for release in every if release.why_not(python) is None)
    if len(candidates) < 2:
        raise InvalidRequest(
            f"of the {len(every)} releases of {package} in this range, {len(candidates)} can work on Python {python}; "
            "widen the range, or choose another --python"
        )
    return Scope(every, candidates, python)


def _end(package: str, releases: Sequence[Release], option: str, text: str | None, python: str) -> Version | None:
    if text is None:
        return None
    try:
        version = Version(text)
    except InvalidVersion:
        raise InvalidRequest(f"{option} {text!r} is not a version") from None
    found = next((release for release in releases if Version(release.version) == version), None)
    if found is None:
        near = get_close_matches(text, [release.version for release in releases], n=3, cutoff=0.5)
        hint = f"; similar ones: {', '.join(near)}" if near else ""
        raise InvalidRequest(f"{package} has no release {text}{hint}")
    if (why := found.why_not(python)) is not None:
        raise InvalidRequest(f"{option} {text} cannot be tried on Python {python} ({why}); choose another release")
    return version
