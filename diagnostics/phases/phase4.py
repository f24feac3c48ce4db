"""Phase 4, alternatives: every fix on the failing scenario, its verdict and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from diagnostics.experiment.fixes import FIXES
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult
from diagnostics.model.cell import BASELINE, Cell
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session
from diagnostics.report.view.aggregate import LOOP_FIX, deciding, judged, result_of, seconds_per_call
from diagnostics.report.view.phrasing import listed, times
from diagnostics.report.view.view_models import FixOutcome

SCENARIOS = (FAILING, "repeated-run")

OPTIONS = {
    "A, never close the loop": "never-close",
    "B, one global event loop": "global-loop",
    "C, `asyncio.run` with a context manager": "context-manager",
    "D, synchronous mode": "sync-client",
}
"""What the plan says to try, and the fix of the matrix that is it."""


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The baseline and every fix, on the scenario of the plan and on its plainest relative."""
    load = options.load(runs=3, calls=50)
    here, trials = session.target.environment.name, options.trials or 2
    played: list[TrialResult] = []
    hung: set[tuple[str, str]] = set()
    # The first trials of all cells first: a cell that hangs once is not made to hang again, which would cost minutes.
    for trial in range(trials + 1):
        instrumented = options.instrument or trial == trials
        wanted = [
            TrialPlan(
                Cell(here, options.provider, scenario, fix, load), trial % trials, "fork", instrumented=instrumented
            )
            for scenario in SCENARIOS
            for fix in FIXES
            if (scenario, fix) not in hung and not (options.instrument and trial == trials)
        ]
        played += session.run(wanted, at_once=3 if instrumented else 1)
        hung = {(each.trial.cell.scenario, each.trial.cell.fix) for each in played if each.trial.symptom == "hang"}
    return played


def answers(played: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Which alternative prevents the error, what the plan's four options do, and what each costs."""
    found = {scenario: results(played, scenario) for scenario in SCENARIOS}
    return (which(found), plan_options(found), cost(found))


def results(played: Sequence[TrialResult], scenario: str) -> dict[str, FixOutcome]:
    """What the baseline and each fix did in a scenario; empty where nothing was tried."""
    own = [each.trial for each in played if each.trial.cell.scenario == scenario]
    by_fix = {fix: [trial for trial in own if trial.cell.fix == fix] for fix in FIXES}
    baseline = judged(by_fix[BASELINE])
    one_loop = seconds_per_call(deciding(by_fix[LOOP_FIX]))
    return {fix: result_of(fix, trials, baseline, one_loop) for fix, trials in by_fix.items() if trials}


def which(found: dict[str, dict[str, FixOutcome]]) -> PhaseAnswer:
    """Which alternative prevents the error?"""
    question = "Which alternative prevents the error?"
    table = Table(
        "every fix",
        ("fix", *(f"{scenario}: verdict, symptoms" for scenario in SCENARIOS), "what it is"),
        tuple(
            (f"`{fix}`", *(_verdict(found[scenario].get(fix)) for scenario in SCENARIOS), FIXES[fix].trade_off)
            for fix in FIXES
        ),
    )
    reproduced = [scenario for scenario in SCENARIOS if _reproduced(found[scenario].get(BASELINE))]
    if not reproduced:
        return cannot_tell(
            question, "Without a fix no error was seen, so none can be prevented: try more --calls or --runs.", table
        )
    sentences, best = [], ranked(found, reproduced)
    for scenario in reproduced:
        by_verdict = {
            verdict: [f"`{fix}`" for fix, result in found[scenario].items() if result.verdict == verdict]
            for verdict in ("removes", "hides", "no effect", "worsens")
        }
        said = "; ".join(f"{verdict}: {listed(names, 13)}" for verdict, names in by_verdict.items() if names)
        sentences.append(f"`{scenario}`: {said}.")
    if best:
        sentences.append(
            f"The cheapest that removes it wherever it was seen is `{best[0]}`: {FIXES[best[0]].trade_off}"
        )
    facts = {"reproduced": reproduced, "removes": best, "baseline": {s: _baseline(found[s]) for s in SCENARIOS}}
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts=facts)


def ranked(found: dict[str, dict[str, FixOutcome]], scenarios: Sequence[str]) -> list[str]:
    """The fixes that remove the error in all of these scenarios, the cheapest in time first."""

    def price(fix: str) -> tuple[float, float]:
        costs = [cost for scenario in scenarios if (cost := found[scenario][fix].cost) is not None]
        return (
            sum(cost.time_ratio or 1.0 for cost in costs),
            sum(cost.connections_per_call or 0.0 for cost in costs),
        )

    removing = [
        fix
        for fix in FIXES
        if fix != BASELINE and all(fix in found[s] and found[s][fix].verdict == "removes" for s in scenarios)
    ]
    return sorted(removing, key=price)


def _baseline(results_: dict[str, FixOutcome]) -> dict[str, int]:
    baseline = results_.get(BASELINE)
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


def plan_options(found: dict[str, dict[str, FixOutcome]]) -> PhaseAnswer:
    """What do the plan's options A to D do?"""
    question = "What do the plan's options A to D do?"
    rows, sentences = [], []
    for option, fix in OPTIONS.items():
        verdicts = {scenario: found[scenario].get(fix) for scenario in SCENARIOS}
        rows.append((option, f"`{fix}`", *(_verdict(result) for result in verdicts.values())))
        said = {result.verdict for result in verdicts.values() if result is not None and result.said}
        if said:
            sentences.append(f"Option {option}: {listed(sorted(str(word) for word in said))}.")
    table = Table("the plan's options", ("option", "fix", *SCENARIOS), tuple(rows))
    if not sentences:
        return cannot_tell(question, "The error was not seen without a fix, so no option can be judged.", table)
    return PhaseAnswer(question, tuple(sentences), tables=(table,))


def cost(found: dict[str, dict[str, FixOutcome]]) -> PhaseAnswer:
    """What does each cost?"""
    question = "What does each cost?"
    rows = []
    for scenario in SCENARIOS:
        for fix, result in found[scenario].items():
            price = result.cost
            if price is not None:
                rows.append(
                    (
                        f"`{scenario}`",
                        f"`{fix}`",
                        _number(price.time_ratio),
                        _number(price.connections_per_call),
                        _number(price.requests_per_call),
                        str(price.fds_left),
                        str(price.threads_left),
                    )
                )
    if not rows:
        return cannot_tell(question, "No fix ran.")
    table = Table(
        "cost; time is against one long loop (`single-run`)",
        ("scenario", "fix", "time", "connections a call", "requests a call", "descriptors left", "threads left"),
        tuple(rows),
    )
    return PhaseAnswer(
        question,
        ("Time counts what a person waits for; connections are TLS handshakes that a pool would have saved.",),
        tables=(table,),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


PHASE = Phase(4, "alternatives: every fix on the failing scenario", run, answers)
