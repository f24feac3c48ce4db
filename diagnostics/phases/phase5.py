"""Phase 5, versions: the same scenarios on several releases of Python, httpx and the SDK, and known issues."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.model.words import SYMPTOM_NAMES
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.issues.known_issues import CHECKED, KNOWN_ISSUES, matching
from diagnostics.report.view.aggregate import SYMPTOM_ORDER, worst
from diagnostics.report.view.history import ProviderRelease, version_key
from diagnostics.report.view.phrasing import listed, times

SCENARIOS: Final = (FAILING, "gc-inside-run", "repeated-run")
"""The first one depends on when the collector starts; the others force their error."""


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The baseline in the session's environment, and in the other prepared ones that are worth their time."""
    results = run_here(session, options)
    if options.others:
        for other in session.others(options.provider):
            results += run_here(other, options)
    return results


def run_here(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The baseline of each scenario in one environment."""
    load = options.load(runs=3, calls=50)
    environment, trials = session.target.environment.name, options.trials or 2
    wanted = []
    for scenario in SCENARIOS:
        wanted += plans(environment, options.provider, scenario, load, trials=trials, instrumented=options.instrument)
    return session.run(wanted)


def answers(results: Sequence[TrialResult], options: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Answers the questions of the phase."""
    return (releases(results, options.provider), pythons(results, options.provider), issues(results))


def _seen(results: Sequence[TrialResult], provider: str) -> dict[tuple[str, str, ProviderRelease], Counter[str]]:
    """Scenario, Python and release to the symptoms seen there."""
    found: dict[tuple[str, str, ProviderRelease], Counter[str]] = defaultdict(Counter)
    for each in results:
        trial = each.trial
        key = (trial.cell.scenario, trial.environment.python, ProviderRelease.of(provider, trial.environment.packages))
        found[key][trial.symptom or trial.status] += 1
    return found


def releases(results: Sequence[TrialResult], provider: str) -> PhaseAnswer:
    """With which release does the error change?"""
    question = f"With which release of {provider} and of the HTTP stack does the error change?"
    seen = _seen(results, provider)
    rows, sentences, changes = [], [], {}
    for scenario in SCENARIOS:
        for python in sorted({key[1] for key in seen if key[0] == scenario}, key=version_key):
            own = sorted((key[2] for key in seen if key[:2] == (scenario, python)), key=lambda release: release.order)
            points = [(found, seen[scenario, python, found]) for found in own]
            rows += [(f"`{scenario}`", python, str(found), times_or_status(counts)) for found, counts in points]
            known = [(found, word) for found, counts in points if (word := _worst(counts)) is not None]
            spans = [(word, [each for each, _ in group]) for word, group in groupby(known, key=lambda point: point[1])]
            if len(own) > 1 and spans:
                changes[f"{scenario}, Python {python}"] = [word for word, _ in spans]
                parts = "; ".join(f"{SYMPTOM_NAMES[word]} on {_span(group)}" for word, group in spans)
                verdict = "the same on all releases" if len(spans) == 1 else "it changes"
                sentences.append(f"`{scenario}` on Python {python}: {verdict}: {parts}.")
    columns = ("scenario", "Python", f"{provider} and its HTTP stack", "symptoms")
    table = Table("The baseline, without a fix", columns, tuple(rows))
    if not sentences:
        return cannot_tell(
            question, "Only one release ran; prepare more environments of the matrix with nox -s repro.", table
        )
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"changes": changes})


def _span(group: Sequence[ProviderRelease]) -> str:
    return str(group[0]) if len(group) == 1 else f"{group[0]} to {group[-1]}"


def times_or_status(found: Counter[str]) -> str:
    """Returns the symptoms, or the statuses if nothing ran."""
    ran = times(found)
    return ran if ran != "nothing ran" else ", ".join(found)


def _worst(found: Counter[str]) -> str | None:
    return worst([word for word in found if word in SYMPTOM_ORDER])


def pythons(results: Sequence[TrialResult], provider: str) -> PhaseAnswer:
    """Does the error change with Python?"""
    question = "Does the error change with Python?"
    seen = _seen(results, provider)
    rows, differ = [], []
    for scenario in SCENARIOS:
        for found in sorted({key[2] for key in seen if key[0] == scenario}, key=lambda release: release.order):
            words = {key[1]: _worst(counts) for key, counts in seen.items() if key[0] == scenario and key[2] == found}
            known = {python: words[python] for python in sorted(words, key=version_key) if words[python]}
            if len(known) < 2:
                continue
            shown = ", ".join(f"{python}: {SYMPTOM_NAMES[word]}" for python, word in known.items() if word)
            rows.append((f"`{scenario}`", str(found), shown))
            if len(set(known.values())) > 1:
                differ.append(f"`{scenario}` with {found}")
    if not rows:
        return cannot_tell(question, "No set of packages ran on two Pythons.")
    columns = ("scenario", f"{provider} and its HTTP stack", "symptom")
    table = Table("The same packages on several Pythons", columns, tuple(rows))
    if not differ:
        sentences = [f"No: in all {len(rows)} comparisons the Pythons agree."]
    else:
        sentences = [f"Yes, in {len(differ)} of {len(rows)} comparisons: {listed(differ)}."]
        if all(FAILING in name for name in differ):
            sentences.append(
                f"It changes only in `{FAILING}`, where the collector starts by itself. Where that scenario shows "
                "nothing, the cause is still there, as the scenarios that force the error show."
            )
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"python_differs": len(differ)})


def issues(results: Sequence[TrialResult]) -> PhaseAnswer:
    """Which public issues match?"""
    question = "Which public issues match what was seen?"
    ran = [each.trial for each in results if each.trial.status == "ran"]
    if not ran:
        return cannot_tell(question, "No trial ran.")
    found = matching(ran)
    facts = {"issues": [issue.url for issue, _ in found]}
    if not found:
        return PhaseAnswer(question, (f"None of the {len(KNOWN_ISSUES)} known issues.",), facts=facts)
    rows = tuple(
        (
            issue.name,
            issue.title,
            issue.affected,
            issue.outcome + ("" if issue.read == "thread" else " (as cited elsewhere)"),
            listed(sorted({f"`{trial.cell.scenario}`" for trial in shown})),
            issue.url,
        )
        for issue, shown in found
    )
    columns = ("issue", "about", "releases", "outcome", "seen in", "link")
    table = Table(f"Of {len(KNOWN_ISSUES)} known issues, as of {CHECKED}", columns, rows)
    sentence = f"{len(found)} of {len(KNOWN_ISSUES)} known issues: {listed([issue.name for issue, _ in found], 10)}."
    return PhaseAnswer(question, (sentence,), tables=(table,), facts=facts)


PHASE = Phase(5, "versions: releases of Python, httpx and the SDK, and known issues", run, answers)
