"""Phase 4, fixes: the verdict and the cost of every fix on the failing scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from diagnostics.experiment.fixes import FIXES
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult
from diagnostics.model.cell import BASELINE, Cell
from diagnostics.model.cures import rank
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session
from diagnostics.report.view.aggregate import LOOP_FIX, deciding, judged, result_of, seconds_per_call
from diagnostics.report.view.phrasing import listed, times
from diagnostics.report.view.view_models import FixOutcome

SCENARIOS: Final = (FAILING, "repeated-run")

ALTERNATIVES: Final = {
    "never close the loop": "never-close",
    "one event loop for the whole process": "global-loop",
    "`asyncio.run` with a context manager": "context-manager",
    "the synchronous client": "sync-client",
}
"""What people try first, and the fix that does it: the options A to D of the debugging plan."""

INSTRUMENTED_AT_ONCE: Final = 3
"""Instrumented trials that run at the same time: unlike the others, they are not timed."""

Outcomes = dict[str, dict[str, FixOutcome]]
"""Scenario to fix to what it did there."""


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The baseline and every fix, in the failing scenario and in the plainest one that is related to it."""
    load = options.load(runs=3, calls=50)
    environment, trials = session.target.environment.name, options.trials or 2
    results: list[TrialResult] = []
    hung: set[tuple[str, str]] = set()
    # The first trials of all cells come first: a cell that has hung once is not tried again, which would take minutes.
    for trial in range(trials + 1):
        instrumented = options.instrument or trial == trials
        wanted = [
            TrialPlan(
                Cell(environment, options.provider, scenario, fix, load),
                trial % trials,
                "fork",
                instrumented=instrumented,
            )
            for scenario in SCENARIOS
            for fix in FIXES
            if (scenario, fix) not in hung and not (options.instrument and trial == trials)
        ]
        results += session.run(wanted, at_once=INSTRUMENTED_AT_ONCE if instrumented else 1)
        hung = {(each.trial.cell.scenario, each.trial.cell.fix) for each in results if each.trial.symptom == "hang"}
    return results


def answers(results: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Answers the questions of the phase."""
    outcomes = {scenario: fix_outcomes(results, scenario) for scenario in SCENARIOS}
    return (preventing(outcomes), alternatives(outcomes), cost(outcomes))


def fix_outcomes(results: Sequence[TrialResult], scenario: str) -> dict[str, FixOutcome]:
    """Returns what the baseline and each fix did in a scenario; empty if nothing was tried."""
    own = [each.trial for each in results if each.trial.cell.scenario == scenario]
    by_fix = {fix: [trial for trial in own if trial.cell.fix == fix] for fix in FIXES}
    baseline = judged(by_fix[BASELINE])
    one_loop = seconds_per_call(deciding(by_fix[LOOP_FIX]))
    return {fix: result_of(fix, trials, baseline, one_loop) for fix, trials in by_fix.items() if trials}


def preventing(outcomes: Outcomes) -> PhaseAnswer:
    """Which fix prevents the error?"""
    question = "Which fix prevents the error?"
    table = Table(
        "Every fix",
        ("fix", *(f"{scenario}: verdict, symptoms" for scenario in SCENARIOS), "what it is"),
        tuple(
            (f"`{fix}`", *(_verdict(outcomes[scenario].get(fix)) for scenario in SCENARIOS), FIXES[fix].trade_off)
            for fix in FIXES
        ),
    )
    reproduced = [scenario for scenario in SCENARIOS if _reproduced(outcomes[scenario].get(BASELINE))]
    if not reproduced:
        return cannot_tell(question, "The error was not seen without a fix; try more --calls or --runs.", table)
    sentences, best = [], ranked(outcomes, reproduced)
    for scenario in reproduced:
        by_verdict = {
            verdict: [f"`{fix}`" for fix, result in outcomes[scenario].items() if result.verdict == verdict]
            for verdict in ("removes", "hides", "no effect", "worsens")
        }
        shown = "; ".join(f"{verdict}: {listed(names, 13)}" for verdict, names in by_verdict.items() if names)
        sentences.append(f"`{scenario}`: {shown}.")
    if best:
        sentences.append(
            f"The first fix of the ranking that removes it in every scenario that shows it is `{best[0]}`: "
            f"{FIXES[best[0]].trade_off}. {least_time(outcomes, reproduced, best)}"
        )
    facts = {"reproduced": reproduced, "removes": best, "baseline": {s: _baseline(outcomes[s]) for s in SCENARIOS}}
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts=facts)


def ranked(outcomes: Outcomes, scenarios: Sequence[str]) -> list[str]:
    """Returns the fixes that remove the error in all of these scenarios, as `model.cures` ranks them."""
    removing = [
        fix
        for fix in FIXES
        if fix != BASELINE and all(fix in outcomes[s] and outcomes[s][fix].verdict == "removes" for s in scenarios)
    ]
    return sorted(removing, key=rank)


def least_time(outcomes: Outcomes, scenarios: Sequence[str], fixes: Sequence[str]) -> str:
    """Returns a sentence on the fix that takes the least time, which need not be the first of the ranking."""

    def price(fix: str) -> tuple[float, float]:
        costs = [cost for scenario in scenarios if (cost := outcomes[scenario][fix].cost) is not None]
        return (
            sum(cost.time_ratio or 1.0 for cost in costs),
            sum(cost.connections_per_call or 0.0 for cost in costs),
        )

    return f"`{min(fixes, key=price)}` takes the least time here."


def _baseline(outcomes: dict[str, FixOutcome]) -> dict[str, int]:
    baseline = outcomes.get(BASELINE)
    return dict(baseline.symptoms) if baseline is not None else {}


def _reproduced(baseline: FixOutcome | None) -> bool:
    return baseline is not None and baseline.symptom not in (None, "none")


def _verdict(result: FixOutcome | None) -> str:
    if result is None:
        return "not tried"
    if result.symptom is None:
        return f"{result.status}: {result.reason}"
    seen = times(Counter(result.symptoms))
    return f"baseline: {seen}" if result.verdict is None else f"{result.verdict}: {seen}"


def alternatives(outcomes: Outcomes) -> PhaseAnswer:
    """What do the four fixes do that people try first?"""
    question = "What do the four fixes do that people try first?"
    rows, sentences = [], []
    for what, fix in ALTERNATIVES.items():
        own = [outcomes[scenario].get(fix) for scenario in SCENARIOS]
        rows.append((what, f"`{fix}`", *map(_verdict, own)))
        verdicts = {result.verdict for result in own if result is not None and result.said}
        if verdicts:
            sentences.append(f"`{fix}` ({what.replace('`', '')}): {listed(sorted(map(str, verdicts)))}.")
    table = Table("What people try first", ("what", "fix", *SCENARIOS), tuple(rows))
    if not sentences:
        return cannot_tell(question, "The error was not seen without a fix, so no fix has a verdict.", table)
    return PhaseAnswer(question, tuple(sentences), tables=(table,))


def cost(outcomes: Outcomes) -> PhaseAnswer:
    """What does each fix cost?"""
    question = "What does each fix cost?"
    rows = [
        (
            f"`{scenario}`",
            f"`{fix}`",
            _number(price.time_ratio),
            _number(price.connections_per_call),
            _number(price.requests_per_call),
            str(price.fds_left),
            str(price.threads_left),
        )
        for scenario in SCENARIOS
        for fix, result in outcomes[scenario].items()
        if (price := result.cost) is not None
    ]
    if not rows:
        return cannot_tell(question, "No fix ran.")
    table = Table(
        "Cost; time is relative to one long loop (single-run)",
        ("scenario", "fix", "time", "connections a call", "requests a call", "descriptors left", "threads left"),
        tuple(rows),
    )
    sentence = "Time is what the program waits for. More connections are TLS handshakes that a pool would save."
    return PhaseAnswer(question, (sentence,), tables=(table,))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


PHASE = Phase(4, "fixes: the verdict and the cost of each", run, answers)
