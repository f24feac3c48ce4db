"""The record of a change: the two releases, what lies between them, what else differs, and which of these causes it."""

from __future__ import annotations

from pathlib import Path

from diagnostics.lab.bisection.compare import compare_link, project_urls
from diagnostics.lab.bisection.pinning import moved
from diagnostics.lab.bisection.search import Boundary
from diagnostics.lab.bisection.session import Search
from diagnostics.model.bisection import ReleaseChange, ReleaseSpan
from diagnostics.model.libraries import Searched


def change_record(search: Search, package: Searched, cache: Path, boundary: Boundary) -> ReleaseChange:
    """Returns the record of a change."""
    before, after = search.tried[boundary.before], search.tried[boundary.after]
    by_version = {tried.version: tried for tried in search.tried.values()}
    skipped = {}
    for release in search.scope.between(before.version, after.version):
        tried = by_version.get(release.version)
        reason = tried.reason or "" if tried else release.why_not(search.scope.python) or "not tested"
        skipped[release.version] = reason
    name = search.pinning.package
    others = moved(name, before.packages, after.packages)
    folder = cache / "environments" / (before.environment or "")
    return ReleaseChange(
        before,
        after,
        skipped,
        others,
        _cause(search, boundary) if others else "package",
        compare_link(project_urls(name, folder), package.tag, before.version, after.version),
    )


def _cause(search: Search, boundary: Boundary) -> str:
    """Whether the two releases still differ with the same other packages.

    The release before the change is tried with the packages of the release after it; if that is impossible, the other
    way round.
    """
    sides = (boundary.before, boundary.after)
    for index, other_index in (sides, sides[::-1]):
        release, other = search.scope.candidates[index], search.scope.candidates[other_index]
        search.listener.release_started(release, f"with the packages of {other.version}")
        request = search.pinning.with_packages_of(release, other, search.tried[other_index].packages)
        crossed = search.evaluator.evaluate(release, thorough=True, request=request)
        search.listener.release_finished(crossed)
        if crossed.outcome is None:
            continue
        answer = search.answer_of(crossed.outcome)
        if answer == search.answer(index):
            return "package"
        if answer == search.answer(other_index):
            return "others"
    return "cannot tell"


def span_record(search: Search, first: int, last: int, tested: int) -> ReleaseSpan:
    """Returns the record of releases with one outcome, from one index to another."""
    one, other = search.tried[first], search.tried[last]
    assert one.outcome is not None
    return ReleaseSpan(
        one.version,
        other.version,
        one.day,
        other.day,
        search.scope.span(one.version, other.version),
        tested,
        one.outcome,
    )
