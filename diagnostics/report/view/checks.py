"""The predicates behind the claims: each is a pure function of the view and says what it counted in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from diagnostics.model.libraries import named
from diagnostics.report.view.aggregate import LOOP_FIX, SYMPTOM_ORDER
from diagnostics.report.view.history import telling
from diagnostics.report.view.view_models import Cost, FixOutcome, Subject, View

ANSWERS: Final = ("holds", "does not hold", "cannot tell")
HOLDS, FAILS, UNKNOWN = ANSWERS

SAME, SLOWER = 1.10, 1.25
"""Time ratios: up to `SAME` is no overhead, from `SLOWER` it is one; what lies between is lost in the noise."""

_BARE = named("client")
_ERRORS = ("logged", "raised", "hang", "crash")
_FOREIGN_CLOSE = ("use-after-loop-close", "cross-loop-close")

Check = Callable[[View], "CheckResult"]


@dataclass(frozen=True)
class CheckResult:
    """One of `ANSWERS`, and the numbers it rests on as a sentence."""

    word: str
    measured: str


def ends_error(fix: str) -> Check:
    """The claim that with `fix` no error is seen any more, wherever the baseline showed one."""

    def check(view: View) -> CheckResult:
        found = _pairs(view, fix)
        if not found:
            return CheckResult(UNKNOWN, f"{fix} did not run in any place where the baseline showed an error.")
        left = [(subject, result) for subject, result in found if _shows_error(result)]
        removed = sum(result.verdict == "removes" for _, result in found)
        providers = _listed({subject.provider for subject, _ in found})
        said = f"{_places(len(found))} with a symptom before ({providers}): error gone in {len(found) - len(left)}"
        said += f", nothing else left behind in {removed}."
        if left:
            symptoms = Counter(result.symptom for _, result in left if result.symptom)
            where = _listed({subject.scenario for subject, _ in left})
            said += f" Still there: {_counted(symptoms)} ({where})."
        return CheckResult(FAILS if left else HOLDS, said)

    return check


def leaves_error(fix: str) -> Check:
    """The claim that `fix` does not help: an error is still seen somewhere."""

    def check(view: View) -> CheckResult:
        found = _pairs(view, fix)
        if not found:
            return CheckResult(UNKNOWN, f"{fix} did not run in any place where the baseline showed an error.")
        left = [(subject, result) for subject, result in found if _shows_error(result)]
        where = f" ({_listed({subject.scenario for subject, _ in left})})" if left else ""
        said = f"{_places(len(found))} with a symptom before: still there in {len(left)}{where}."
        return CheckResult(HOLDS if left else FAILS, said)

    return check


def provokes(scenario: str) -> Check:
    """The claim that a scenario alone shows a symptom, in every place it was tried."""

    def check(view: View) -> CheckResult:
        found = [subject for subject in _ran(view) if subject.scenario == scenario]
        if not found:
            return CheckResult(UNKNOWN, f"{scenario} was not tried without a fix.")
        shown = [subject for subject in found if subject.reproduced]
        word = HOLDS if len(shown) == len(found) else FAILS
        return CheckResult(word, f"{scenario} without a fix, {_places(len(found))}: {_counted(_baselines(found))}.")

    return check


def shows_only(provider: str, symptom: str) -> Check:
    """The claim that where a provider shows anything in `repeated-run`, it is this symptom."""

    def check(view: View) -> CheckResult:
        found = [
            subject for subject in _ran(view) if (subject.provider, subject.scenario) == (provider, "repeated-run")
        ]
        shown = [subject for subject in found if subject.reproduced]
        if not shown:
            return CheckResult(UNKNOWN, f"{provider} showed nothing in repeated-run ({_places(len(found))}).")
        symptoms = _baselines(found)
        word = HOLDS if set(symptoms) <= {symptom, "none"} else FAILS
        return CheckResult(
            word, f"{provider} in repeated-run without a fix, {_places(len(found))}: {_counted(symptoms)}."
        )

    return check


def new_connection_each_call(view: View) -> CheckResult:
    """The claim that the SDKs make a client for every request: a pool that is reused proves the opposite."""
    found = [
        (cost.connections_per_call, subject)
        for subject, cost in _costs(view.subjects, LOOP_FIX)
        if subject.provider not in _BARE and cost.connections_per_call is not None
    ]
    if not found:
        return CheckResult(UNKNOWN, f"No SDK ran with {LOOP_FIX}, so no pool had the chance to be used again.")
    reused = sum(each < 1 for each, _ in found)
    middle = median(each for each, _ in found)
    said = f"{LOOP_FIX} over the SDKs, {_places(len(found))}: {middle:.2f} connections a call in the middle"
    said += f", fewer than one in {reused}."
    return CheckResult(FAILS if reused else UNKNOWN, said)


def touches_closed_loop(view: View) -> CheckResult:
    """The claim about the cause: a connection is closed, or a loop used, after that loop is gone."""
    instrumented = [
        subject for subject in _ran(view) if subject.reproduced and subject.baseline and subject.baseline.instrumented
    ]
    if not instrumented:
        return CheckResult(UNKNOWN, "No baseline with a symptom ran under the sanitizer.")
    foreign = [
        subject
        for subject in instrumented
        if subject.baseline and any(finding.kind in _FOREIGN_CLOSE for finding in subject.baseline.findings)
    ]
    said = f"Controls with a symptom under the sanitizer: {len(instrumented)}; with such a touch: {len(foreign)}."
    return CheckResult(HOLDS if len(foreign) == len(instrumented) else FAILS, said)


def newer_versions(view: View) -> CheckResult:
    """The claim that an update helps: the newest release of each history is clean where an older one was not."""
    found = [
        history
        for history in telling(view.histories)
        if any(stretch.symptom != "none" for stretch in history.stretches)
    ]
    if not found:
        return CheckResult(UNKNOWN, "No provider showed an error over two releases or more.")
    clean = [history for history in found if history.newest.symptom == "none"]
    parts = []
    for provider in sorted({history.provider for history in found}):
        total = sum(history.provider == provider for history in found)
        parts.append(f"{provider} {sum(history.provider == provider for history in clean)} of {total}")
    said = f"Scenarios that showed something on some release and are clean on the newest: {', '.join(parts)}."
    return CheckResult(HOLDS if len(clean) == len(found) else FAILS, said)


def leaves_nothing_open(fix: str) -> Check:
    """The claim that after `fix` no descriptor stays open and the sanitizer finds no leak."""

    def check(view: View) -> CheckResult:
        found = [(subject, result) for subject, result in _results(view.subjects, fix) if result.cost is not None]
        if not found:
            return CheckResult(UNKNOWN, f"{fix} did not run.")
        left = [result for _, result in found if _left_open(result)]
        most = max((cost.fds_left for _, cost in _costs(view.subjects, fix)), default=0)
        said = f"{fix}, {_places(len(found))}: something left open in {len(left)}, {most} descriptors at most."
        return CheckResult(FAILS if left else HOLDS, said)

    return check


def as_fast_as_baseline(fix: str) -> Check:
    """The claim that `fix` takes no longer than the code without it, where both gave every answer."""

    def check(view: View) -> CheckResult:
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
            return CheckResult(UNKNOWN, f"{fix} and the baseline did not both answer every call in any place.")
        middle = median(ratios)
        loops = [cost.time_ratio for _, cost in _costs(view.subjects, fix) if cost.time_ratio is not None]
        said = f"{middle:.2f} times the baseline's time a call in the middle ({_places(len(ratios))}"
        said += f"), {median(loops):.2f} times one long loop." if loops else ")."
        return CheckResult(HOLDS if middle <= SAME else FAILS if middle >= SLOWER else UNKNOWN, said)

    return check


def fewer_connections(fix: str) -> Check:
    """The claim that `fix` needs fewer connections a call than the code without it."""

    def check(view: View) -> CheckResult:
        pairs = []
        for subject, cost in _costs(view.subjects, fix):
            before = subject.baseline.cost if subject.baseline else None
            if before and before.connections_per_call is not None and cost.connections_per_call is not None:
                pairs.append((cost.connections_per_call, before.connections_per_call))
        if not pairs:
            return CheckResult(UNKNOWN, f"{fix} and the baseline did not both run in any place.")
        fewer, more = sum(mine < before for mine, before in pairs), sum(mine > before for mine, before in pairs)
        with_fix, without = median(mine for mine, _ in pairs), median(before for _, before in pairs)
        said = f"{with_fix:.2f} connections a call in the middle against {without:.2f} without; fewer in {fewer}, "
        said += f"as many in {len(pairs) - fewer - more}, more in {more} of {_places(len(pairs))}."
        return CheckResult(HOLDS if fewer and not more else FAILS, said)

    return check


def _ran(view: View) -> list[Subject]:
    return [subject for subject in view.subjects if subject.baseline and subject.baseline.symptom]


def _results(subjects: Iterable[Subject], fix: str) -> list[tuple[Subject, FixOutcome]]:
    found = [(subject, subject.result(fix)) for subject in subjects]
    return [(subject, result) for subject, result in found if result is not None and result.symptom is not None]


def _pairs(view: View, fix: str) -> list[tuple[Subject, FixOutcome]]:
    """Where a fix can be held to its word: the baseline showed something and the fix ran."""
    return _results([subject for subject in view.subjects if subject.reproduced], fix)


def _costs(subjects: Iterable[Subject], fix: str) -> list[tuple[Subject, Cost]]:
    return [(subject, result.cost) for subject, result in _results(subjects, fix) if result.cost is not None]


def _shows_error(result: FixOutcome) -> bool:
    """A quiet retry is no error that a person sees; that it is there shows in the verdict."""
    return any(symptom in result.symptoms for symptom in _ERRORS)


def _left_open(result: FixOutcome) -> bool:
    leaking = any(finding.severity == "leak" for finding in result.findings)
    return leaking or (result.cost is not None and max(result.cost.fds_left, result.cost.fds_leaked) > 0)


def _baselines(subjects: Sequence[Subject]) -> Counter[str]:
    return Counter(subject.baseline.symptom for subject in subjects if subject.baseline and subject.baseline.symptom)


def _counted(symptoms: Counter[str]) -> str:
    return ", ".join(f"{symptom} {symptoms[symptom]}" for symptom in SYMPTOM_ORDER if symptoms[symptom])


def _places(count: int) -> str:
    return f"{count} place" if count == 1 else f"{count} places"


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    return ", ".join(ordered[:5]) + (f" and {len(ordered) - 5} more" if len(ordered) > 5 else "")
