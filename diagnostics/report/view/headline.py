"""The first lines of a report: what was reproduced, and which fixes remove, hide or do not change it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from diagnostics.report.view.history import telling
from diagnostics.report.view.phrasing import count, times_seen
from diagnostics.report.view.tally import Tally, tally
from diagnostics.report.view.view_models import Subject, View

_MOST_NAMES = 14


@dataclass(frozen=True)
class Line:
    """One line: what it is about, and the sentence."""

    title: str
    sentence: str


def headline(view: View, name: Callable[[str], str] = str) -> tuple[Line, ...]:
    """Five lines at most; `name` renders the name of a fix, a provider or a scenario for where the line is shown."""
    if not view.totals.statuses.get("ran"):
        return (Line("Nothing ran", "no trial has an outcome; the reasons are listed below."),)
    tallies = {fix: tally(view.subjects, fix) for fix in view.fixes}
    return tuple(
        line
        for line in (
            _reproduced(view),
            _removes(view, tallies, name),
            _hides(view, tallies, name),
            _no_help(tallies, name),
            _newer(view, name),
        )
        if line is not None
    )


def _reproduced(view: View) -> Line:
    ran = [subject for subject in view.subjects if subject.baseline and subject.baseline.symptom]
    shown = [subject for subject in ran if subject.reproduced]
    made = {subject.environment.name for subject in ran}
    where = {subject.environment.name for subject in shown}
    if not shown:
        return Line("Not reproduced", f"no symptom without a fix in {count(len(made), 'environment')}.")
    counts = times_seen(subject.baseline for subject in shown if subject.baseline)
    sentence = f"in {len(where)} of {count(len(made), 'environment')}, {len(shown)} of {len(ran)} combinations of "
    silent = sum(subject.baseline is not None and subject.baseline.symptom == "none" for subject in ran)
    unclean = sum(
        not subject.reproduced and subject.baseline is not None and not subject.baseline.clean for subject in ran
    )
    behind = f" {unclean} of the {silent} without a symptom are not clean." if unclean else ""
    return Line("Reproduced", f"{sentence}environment, provider and scenario: {counts}.{behind}")


def _removes(view: View, tallies: dict[str, Tally], name: Callable[[str], str]) -> Line | None:
    always = [fix for fix, found in tallies.items() if found.said and found.removes == found.said]
    partly = [fix for fix, found in tallies.items() if 0 < found.removes < found.said]
    if not any(found.said for found in tallies.values()):
        return None
    if not always and not partly:
        return Line("Removed by", "none of the fixes tried.")
    sentences = []
    if always:
        most = max(tallies[fix].said for fix in always)
        sentences.append(f"{_names(always, name)} (in every combination that has the error, up to {most})")
    if partly:
        parts = [
            f"{name(fix)} {tallies[fix].removes} of {tallies[fix].said}{_except(view.subjects, fix, name)}"
            for fix in partly[:6]
        ]
        more = f" and {len(partly) - 6} more" if len(partly) > 6 else ""
        sentences.append(f"in part by {', '.join(parts)}{more}")
    return Line("Removed by", f"{'; '.join(sentences)}.")


def _except(subjects: Iterable[Subject], fix: str, name: Callable[[str], str]) -> str:
    """Where a fix that helps elsewhere does not, if that is two scenarios at most."""
    missing = set()
    for subject in subjects:
        result = subject.result(fix)
        if result is not None and result.said and result.verdict != "removes":
            missing.add(subject.scenario)
    return f" (not in {' and '.join(name(scenario) for scenario in sorted(missing))})" if len(missing) <= 2 else ""


def _hides(view: View, tallies: dict[str, Tally], name: Callable[[str], str]) -> Line | None:
    only = [fix for fix, found in tallies.items() if found.hides and not found.removes]
    if not only:
        return None
    parts = []
    for fix in only[:_MOST_NAMES]:
        results = [subject.result(fix) for subject in view.subjects]
        costs = [result.cost for result in results if result and result.cost and result.verdict == "hides"]
        most = max((max(cost.fds_left, cost.fds_leaked) for cost in costs), default=0)
        repeated = any((cost.requests_per_call or 0) > 1 for cost in costs)
        left = [f"up to {count(most, 'descriptor')} left open"] if most else []
        left += ["requests sent twice"] if repeated else []
        found = tallies[fix]
        notes = [f"{found.hides} of {found.said}", *([" and ".join(left)] if left else [])]
        notes += ["the error remains elsewhere"] if found.hides < found.said else []
        parts.append(f"{name(fix)} ({', '.join(notes)})")
    return Line("Only hidden by", f"{', '.join(parts)}.")


def _no_help(tallies: dict[str, Tally], name: Callable[[str], str]) -> Line | None:
    def said(fix: str) -> str:
        found = tallies[fix]
        worse = f" (worse than without a fix in {found.worsens} of {found.said})" if found.worsens else ""
        return f"{name(fix)}{worse}"

    helpless = [
        fix
        for fix, found in tallies.items()
        if found.worsens or (found.no_effect and not found.removes and not found.hides)
    ]
    return Line("Not fixed by", f"{_names(helpless, said)}.") if helpless else None


def _newer(view: View, name: Callable[[str], str]) -> Line | None:
    found = telling(view.histories)
    parts = []
    for provider in sorted({history.provider for history in found})[:6]:
        mine = [history for history in found if history.provider == provider]
        newest = max(mine, key=lambda history: history.releases).newest.last
        shown = sum(history.newest.symptom != "none" for history in mine)
        parts.append(f"{name(f'{provider} {newest}')} reproduces it in {shown} of {count(len(mine), 'scenario')}")
    return Line("Newest releases", f"{'; '.join(parts)}.") if parts else None


def _names(fixes: list[str], name: Callable[[str], str]) -> str:
    more = f" and {len(fixes) - _MOST_NAMES} more" if len(fixes) > _MOST_NAMES else ""
    return ", ".join(name(fix) for fix in fixes[:_MOST_NAMES]) + more
