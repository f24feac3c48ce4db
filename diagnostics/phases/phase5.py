"""Phase 5, versions: the same scenario over releases of Python, httpx and the SDK, and the public issues that match."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import groupby

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.cell import Environment
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.issues.known_issues import CHECKED, KNOWN_ISSUES, matching
from diagnostics.report.view.aggregate import SYMPTOM_ORDER, worst
from diagnostics.report.view.history import generation, version_key
from diagnostics.report.view.phrasing import listed, times

SCENARIOS = (FAILING, "gc-inside-run", "repeated-run")
"""Of these the first depends on when the collector starts; the others force what they are about."""

_Release = tuple[str, str, str]  # of the provider; of the HTTP stack: name and version


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The baseline in the target, and in every environment of the matrix that is prepared and worth its time."""
    played = run_here(session, options)
    if options.others:
        for other in session.others(options.provider):
            played += run_here(other, options)
    return played


def run_here(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The baseline of each scenario in one environment."""
    load = options.load(runs=3, calls=50)
    here = session.target.environment.name
    wanted = []
    for scenario in SCENARIOS:
        wanted += plans(
            here, options.provider, scenario, load, trials=options.trials or 2, instrumented=options.instrument
        )
    return session.run(wanted)


def answers(played: Sequence[TrialResult], options: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Where it changes with the SDK and its stack, where with Python, and what is known of it."""
    return (releases(played, options.provider), pythons(played, options.provider), issues(played))


def release(environment: Environment, provider: str) -> _Release:
    """The release of a provider and of the HTTP stack beneath it."""
    packages = environment.packages
    stack = generation(provider, packages)
    beneath = stack.partition("+")[2] or stack
    return (packages.get(provider, "?"), beneath, packages.get(beneath, ""))


def label(found: _Release) -> str:
    """Such as `3.54.0 (httpx2 2.16.2)`."""
    version, stack, beneath = found
    return f"{version} ({stack} {beneath})" if stack else version


def _seen(played: Sequence[TrialResult], provider: str) -> dict[tuple[str, str, _Release], Counter[str]]:
    """Scenario, Python and release to the symptoms seen there."""
    found: dict[tuple[str, str, _Release], Counter[str]] = defaultdict(Counter)
    for each in played:
        trial = each.trial
        where = (trial.cell.scenario, trial.environment.python, release(trial.environment, provider))
        found[where][trial.symptom or trial.status] += 1
    return found


def _order(found: _Release) -> tuple[object, ...]:
    return (version_key(found[0]), found[1], version_key(found[2]))


def releases(played: Sequence[TrialResult], provider: str) -> PhaseAnswer:
    """With which release does it change?"""
    question = f"With which release of {provider} and of the HTTP stack does it change?"
    seen = _seen(played, provider)
    rows, sentences, changes = [], [], {}
    for scenario in SCENARIOS:
        for python in sorted({key[1] for key in seen if key[0] == scenario}, key=version_key):
            own = sorted((key[2] for key in seen if key[:2] == (scenario, python)), key=_order)
            points = [(found, times_or_status(seen[scenario, python, found])) for found in own]
            rows += [(f"`{scenario}`", python, label(found), said) for found, said in points]
            told = [(found, word) for found in own if (word := _worst(seen[scenario, python, found])) is not None]
            stretches = groupby(told, key=lambda point: point[1])
            known = [(word, [found for found, _ in group]) for word, group in stretches]
            if len(own) > 1 and known:
                parts = [f"{word} on {_span(group)}" for word, group in known]
                changes[f"{scenario}, Python {python}"] = [word for word, _ in known]
                verdict = "the same on all of them" if len(known) == 1 else "it changes"
                sentences.append(f"`{scenario}` on Python {python}: {verdict}: {'; '.join(parts)}.")
    table = Table(
        "the baseline, without a fix", ("scenario", "Python", f"{provider} and its stack", "symptoms"), tuple(rows)
    )
    if not sentences:
        return cannot_tell(
            question,
            "Only one release ran: prepare environments of the matrix (nox -s repro), and more of them are tried here.",
            table,
        )
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"changes": changes})


def _span(group: Sequence[_Release]) -> str:
    return label(group[0]) if len(group) == 1 else f"{label(group[0])} to {label(group[-1])}"


def times_or_status(found: Counter[str]) -> str:
    """The symptoms; where nothing ran, why."""
    ran = times(found)
    return ran if ran != "nothing ran" else ", ".join(found)


def _worst(found: Counter[str]) -> str | None:
    return worst([word for word in found if word in SYMPTOM_ORDER])


def pythons(played: Sequence[TrialResult], provider: str) -> PhaseAnswer:
    """Does it change with Python?"""
    question = "Does it change with Python?"
    seen = _seen(played, provider)
    rows, differ, compared = [], [], 0
    for scenario in SCENARIOS:
        for found in sorted({key[2] for key in seen if key[0] == scenario}, key=_order):
            words = {key[1]: _worst(counts) for key, counts in seen.items() if key[0] == scenario and key[2] == found}
            known = {
                python: word for python, word in sorted(words.items(), key=lambda item: version_key(item[0])) if word
            }
            if len(known) < 2:
                continue
            compared += 1
            rows.append(
                (f"`{scenario}`", label(found), ", ".join(f"{python}: {word}" for python, word in known.items()))
            )
            if len(set(known.values())) > 1:
                differ.append(f"`{scenario}` with {label(found)}")
    table = Table(
        "the same packages on several Pythons", ("scenario", f"{provider} and its stack", "symptom"), tuple(rows)
    )
    if not compared:
        return cannot_tell(question, "No set of packages ran on two Pythons.")
    if not differ:
        sentence = f"No: in all {compared} comparisons the Pythons agree."
    else:
        sentence = f"In {len(differ)} of {compared} comparisons it does: {listed(differ)}."
    sentences = [sentence]
    if differ and all(FAILING in name for name in differ):
        sentences.append(
            f"Only in `{FAILING}`, which waits for the collector to start by itself: where that is silent, the cause "
            "is there all the same, as the scenarios that force it show."
        )
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"python_differs": len(differ)})


def issues(played: Sequence[TrialResult]) -> PhaseAnswer:
    """Which public issues match?"""
    question = "Which public issues match what was seen?"
    ran = [each.trial for each in played if each.trial.status == "ran"]
    if not ran:
        return cannot_tell(question, "No trial ran, so there is nothing to compare with.")
    found = matching(ran)
    rows = tuple(
        (
            issue.name,
            issue.title,
            issue.affected,
            issue.outcome + ("" if issue.read == "thread" else " (read as cited)"),
            listed(sorted({f"`{trial.cell.scenario}`" for trial in shown})),
            issue.url,
        )
        for issue, shown in found
    )
    columns = ("issue", "about", "releases", "outcome", "seen in", "link")
    table = Table(f"of {len(KNOWN_ISSUES)} known issues, as of {CHECKED}", columns, rows)
    if not found:
        return PhaseAnswer(question, (f"None of the {len(KNOWN_ISSUES)} that are known here.",), facts={"issues": []})
    return PhaseAnswer(
        question,
        (f"{len(found)} of {len(KNOWN_ISSUES)}: {listed([issue.name for issue, _ in found], 10)}.",),
        tables=(table,),
        facts={"issues": [issue.url for issue, _ in found]},
    )


PHASE = Phase(5, "versions: releases of Python, httpx and the SDK, and known issues", run, answers)
