"""How often each hypothesis was borne out: every measurement is a pure function of the view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from diagnostics.model.libraries import named
from diagnostics.model.words import SYMPTOM_NAMES
from diagnostics.report.view.aggregate import LOOP_FIX
from diagnostics.report.view.history import telling
from diagnostics.report.view.phrasing import count, times
from diagnostics.report.view.view_models import Cost, FixOutcome, Subject, View

SAME_TIME: Final = 1.10
"""A fix is as fast as the baseline if it takes at most this many times as long; less is lost in the noise."""

_BARE = named("client")
_ERRORS = ("logged", "raised", "hang", "crash")
_FOREIGN_CLOSE = ("use-after-loop-close", "cross-loop-close")

Check = Callable[[View], "Measurement"]


@dataclass(frozen=True)
class Measurement:
    """A rate, such as `gone in 56 of 57 combinations`.

    Attributes:
        hits: how often it was so.
        total: how often it could have been; 0 where this run measured nothing.
        rate: both numbers as a phrase.
        detail: what else was counted, in sentences; "" for nothing.
    """

    hits: int
    total: int
    rate: str
    detail: str = ""


def _measured(what: str, hits: int, total: int, detail: str = "", noun: str = "combination") -> Measurement:
    return Measurement(hits, total, f"{what} in {hits} of {count(total, noun)}", detail)


def _unmeasured(reason: str) -> Measurement:
    return Measurement(0, 0, "not measured", reason)


def ends_error(fix: str) -> Check:
    """How often the error is gone with `fix`, where the baseline showed one."""

    def check(view: View) -> Measurement:
        found = _pairs(view, fix)
        if not found:
            return _unmeasured(f"{fix} did not run in any combination whose baseline showed an error.")
        left = [(subject, result) for subject, result in found if _shows_error(result)]
        removed = sum(result.verdict == "removes" for _, result in found)
        detail = f"Nothing else left behind in {removed}."
        if left:
            symptoms = Counter(result.symptom for _, result in left if result.symptom)
            detail += f" Still there: {times(symptoms)} ({_listed({subject.scenario for subject, _ in left})})."
        return _measured("gone", len(found) - len(left), len(found), detail)

    return check


def provokes(scenario: str) -> Check:
    """How often a scenario alone shows a symptom."""

    def check(view: View) -> Measurement:
        found = [subject for subject in _ran(view) if subject.scenario == scenario]
        if not found:
            return _unmeasured(f"{scenario} did not run without a fix.")
        shown = sum(subject.reproduced for subject in found)
        return _measured("symptoms", shown, len(found), f"{times(_baselines(found))}.".capitalize())

    return check


def shows_only(provider: str, symptom: str) -> Check:
    """How often a provider that shows anything in `repeated-run` shows this symptom."""

    def check(view: View) -> Measurement:
        shown = [
            subject
            for subject in _ran(view)
            if subject.reproduced and (subject.provider, subject.scenario) == (provider, "repeated-run")
        ]
        if not shown:
            return _unmeasured(f"{provider} showed no symptom in repeated-run.")
        symptoms = _baselines(shown)
        return _measured(SYMPTOM_NAMES[symptom], symptoms[symptom], len(shown), f"{times(symptoms)}.".capitalize())

    return check


def new_connection_each_call(view: View) -> Measurement:
    """How often the SDKs open a connection for each call, although one long loop lets them reuse the pool."""
    found = [
        cost.connections_per_call
        for subject, cost in _costs(view.subjects, LOOP_FIX)
        if subject.provider not in _BARE and cost.connections_per_call is not None
    ]
    if not found:
        return _unmeasured(f"No SDK ran with {LOOP_FIX}, so no pool could be reused.")
    detail = f"Median with {LOOP_FIX}: {median(found):.2f} connections per call."
    return _measured("a connection per call", sum(each >= 1 for each in found), len(found), detail)


def touches_closed_loop(view: View) -> Measurement:
    """How often a connection is closed, or a loop used, after that loop has closed."""
    baselines = [subject.baseline for subject in _ran(view) if subject.reproduced and subject.baseline]
    instrumented = [baseline for baseline in baselines if baseline.instrumented]
    if not instrumented:
        return _unmeasured("No instrumented baseline showed a symptom.")
    hits = sum(any(finding.kind in _FOREIGN_CLOSE for finding in each.findings) for each in instrumented)
    return _measured(
        "found", hits, len(instrumented), "Only baselines with a symptom count.", noun="instrumented baseline"
    )


def newer_versions(view: View) -> Measurement:
    """How often the newest release is clean where an older one was not."""
    found = [
        history
        for history in telling(view.histories)
        if any(stretch.symptom != "none" for stretch in history.stretches)
    ]
    if not found:
        return _unmeasured("No provider showed an error over two releases or more.")
    clean = Counter(history.provider for history in found if history.newest.symptom == "none")
    totals = Counter(history.provider for history in found)
    detail = ", ".join(f"{provider} {clean[provider]} of {totals[provider]}" for provider in sorted(totals))
    return _measured("gone on the newest release", clean.total(), len(found), f"By provider: {detail}.", "scenario")


def leaves_nothing_open(fix: str) -> Check:
    """How often no descriptor stays open after `fix` and the sanitizer finds no leak."""

    def check(view: View) -> Measurement:
        found = [result for _, result in _results(view.subjects, fix) if result.cost is not None]
        if not found:
            return _unmeasured(f"{fix} did not run.")
        most = max((cost.fds_left for _, cost in _costs(view.subjects, fix)), default=0)
        hits = sum(not _left_open(result) for result in found)
        return _measured("nothing left open", hits, len(found), f"At most {count(most, 'descriptor')} left open.")

    return check


def as_fast_as_baseline(fix: str) -> Check:
    """How often `fix` takes no longer than the baseline, where both answered every call."""

    def check(view: View) -> Measurement:
        pairs = [
            (result.cost.seconds_per_call, subject.baseline.cost.seconds_per_call)
            for subject, result in _results(view.subjects, fix)
            if result.answered
            and result.cost
            and subject.baseline
            and subject.baseline.answered
            and subject.baseline.cost
        ]
        ratios = [mine / before for mine, before in pairs if mine is not None and before]
        if not ratios:
            return _unmeasured(f"{fix} and the baseline did not both answer every call in any combination.")
        loops = [cost.time_ratio for _, cost in _costs(view.subjects, fix) if cost.time_ratio is not None]
        detail = f"Median time per call: {median(ratios):.2f} times the baseline's"
        detail += f", {median(loops):.2f} times that of one long loop." if loops else "."
        hits = sum(ratio <= SAME_TIME for ratio in ratios)
        return _measured(f"at most {SAME_TIME - 1:.0%} slower", hits, len(ratios), detail)

    return check


def fewer_connections(fix: str) -> Check:
    """How often `fix` needs fewer connections per call than the baseline."""

    def check(view: View) -> Measurement:
        pairs = []
        for subject, cost in _costs(view.subjects, fix):
            before = subject.baseline.cost if subject.baseline else None
            if before and before.connections_per_call is not None and cost.connections_per_call is not None:
                pairs.append((cost.connections_per_call, before.connections_per_call))
        if not pairs:
            return _unmeasured(f"{fix} and the baseline did not both run in any combination.")
        with_fix, without = median(mine for mine, _ in pairs), median(before for _, before in pairs)
        detail = f"Median: {with_fix:.2f} connections per call, baseline {without:.2f}."
        return _measured("fewer connections", sum(mine < before for mine, before in pairs), len(pairs), detail)

    return check


def _ran(view: View) -> list[Subject]:
    return [subject for subject in view.subjects if subject.baseline and subject.baseline.symptom]


def _results(subjects: Iterable[Subject], fix: str) -> list[tuple[Subject, FixOutcome]]:
    found = [(subject, subject.result(fix)) for subject in subjects]
    return [(subject, result) for subject, result in found if result is not None and result.symptom is not None]


def _pairs(view: View, fix: str) -> list[tuple[Subject, FixOutcome]]:
    """The combinations in which the baseline showed a symptom and the fix ran."""
    return _results([subject for subject in view.subjects if subject.reproduced], fix)


def _costs(subjects: Iterable[Subject], fix: str) -> list[tuple[Subject, Cost]]:
    return [(subject, result.cost) for subject, result in _results(subjects, fix) if result.cost is not None]


def _shows_error(result: FixOutcome) -> bool:
    """Whether a person would see an error. A request sent twice is not one; the verdict shows it."""
    return any(symptom in result.symptoms for symptom in _ERRORS)


def _left_open(result: FixOutcome) -> bool:
    leaking = any(finding.severity == "leak" for finding in result.findings)
    return leaking or (result.cost is not None and max(result.cost.fds_left, result.cost.fds_leaked) > 0)


def _baselines(subjects: Sequence[Subject]) -> Counter[str]:
    return Counter(subject.baseline.symptom for subject in subjects if subject.baseline and subject.baseline.symptom)


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")
