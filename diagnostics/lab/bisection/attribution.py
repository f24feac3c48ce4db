"""What is said of a boundary: the two releases, what lies between them, what else moved, and whose doing it is."""

from __future__ import annotations

from pathlib import Path

from diagnostics.lab.bisection.compare import addresses, compare_link
from diagnostics.lab.bisection.pinning import moved
from diagnostics.lab.bisection.search import Boundary
from diagnostics.lab.bisection.session import Search
from diagnostics.model.bisection import ReleaseChange, ReleaseSpan
from diagnostics.model.libraries import Searched


def change(state: Search, package: Searched, cache: Path, boundary: Boundary) -> ReleaseChange:
    """The record of a change: what lies between its two sides, what else moved, and whose doing it is.

    Args:
        cache: where the environments are.
    """
    before, after = state.tried[boundary.before], state.tried[boundary.after]
    by_version = {tried.version: tried for tried in state.tried.values()}
    skipped = {}
    for release in state.scope.between(before.version, after.version):
        tried = by_version.get(release.version)
        skipped[release.version] = (
            tried.reason or "" if tried else release.why_not(state.scope.python) or "not looked at"
        )
    held = state.held
    others = moved(held.package, before.packages, after.packages)
    place = cache / "environments" / (before.environment or "")
    return ReleaseChange(
        before,
        after,
        skipped,
        others,
        _cause(state, boundary) if others else "package",
        compare_link(addresses(held.package, place), package.tag, before.version, after.version),
    )


def _cause(state: Search, boundary: Boundary) -> str:
    """Whether the package still makes the difference where the others are the same on both sides.

    The release before is tried among the packages of the release after it; where that cannot be, the other way round.
    """
    sides = (boundary.before, boundary.after)
    for index, among in (sides, sides[::-1]):
        release, other = state.scope.open[index], state.scope.open[among]
        state.listener.looking(release, f"with the packages of {other.version}")
        asked = state.held.among(release, other, state.tried[among].packages)
        crossed = state.judge.look(release, thorough=True, asked=asked)
        state.listener.looked(crossed)
        if crossed.outcome is None:
            continue
        label = ("label", state.by(crossed.outcome))
        if label == state.answer(index):
            return "package"
        if label == state.answer(among):
            return "others"
    return "cannot tell"


def stretch(state: Search, first: int, last: int, looked: int) -> ReleaseSpan:
    """The record of releases with one outcome, from one index to another."""
    one, other = state.tried[first], state.tried[last]
    assert one.outcome is not None
    return ReleaseSpan(
        one.version,
        other.version,
        one.day,
        other.day,
        state.scope.span(one.version, other.version),
        looked,
        one.outcome,
    )
