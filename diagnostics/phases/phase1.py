"""Phase 1, isolation: which run fails, and whether deleting or keeping the earlier client prevents it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.model.trial import Accounting
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.view.lifecycle import Clients, Loops
from diagnostics.report.view.phrasing import quoted, times

SCENARIOS: Final = {
    "gc-between-runs": "`del` and `gc.collect()` between the runs, while no loop runs",
    "gc-inside-run": "`del`, and `gc.collect()` while the next loop runs",
    "keep-references": "every reference is kept until the end",
    FAILING: "the variable is rebound, and the collector starts by itself",
    "repeated-run": "one client for all runs",
}
"""What happens to the client of the first run before the second one begins."""

FAILING_SCENARIOS: Final = (FAILING, "repeated-run")

MOST_RUNS: Final = 3


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """Each scenario with two runs; the failing ones also with one and three, to find the first run that fails."""
    environment, trials = session.target.environment.name, options.trials or 2
    load = options.load(runs=2, calls=50)
    wanted = []
    for scenario in SCENARIOS:
        wanted += plans(environment, options.provider, scenario, load, trials=trials, instrumented=options.instrument)
        if not options.instrument:
            wanted += plans(environment, options.provider, scenario, load, trials=1, instrumented=True)
    for runs in range(1, MOST_RUNS + 1):
        if runs != load.runs:
            for scenario in FAILING_SCENARIOS:
                wanted += plans(environment, options.provider, scenario, replace(load, runs=runs), trials=trials)
    return session.run(wanted)


def answers(results: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Answers the questions of the phase."""
    return (failing_run(results), states(results), deletion(results), kept(results))


def failing_run(results: Sequence[TrialResult]) -> PhaseAnswer:
    """Which run fails?"""
    question = "Which run fails?"
    rows, first = [], {}
    for scenario in FAILING_SCENARIOS:
        by_runs = {
            runs: symptoms([each for each in results if _is(each, scenario, runs) and not each.trial.instrumented])
            for runs in sorted({each.trial.cell.load.runs for each in results if each.trial.cell.scenario == scenario})
        }
        rows += [(f"`{scenario}`", str(runs), times(found)) for runs, found in by_runs.items()]
        failing = [runs for runs, found in by_runs.items() if _fails(found)]
        if by_runs:
            first[scenario] = min(failing, default=None)
    table = Table("Symptoms without a fix", ("scenario", "runs", "symptoms"), tuple(rows))
    if not any(found for _, _, found in rows):
        return cannot_tell(question, "No trial ran.", table)
    sentences = []
    for scenario, runs in first.items():
        if runs is None:
            most = max(int(row[1]) for row in rows if row[0] == f"`{scenario}`")
            sentences.append(f"`{scenario}` showed nothing with up to {most} runs of this load.")
        else:
            sentences.append(f"`{scenario}` fails in run {runs}{_evidence(results, scenario, runs)}.")
    if all(runs is None or runs > 1 for runs in first.values()) and any(first.values()):
        sentences.append("The first run never fails: the error needs an earlier client that belongs to another loop.")
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"first_failing": first})


def _evidence(results: Sequence[TrialResult], scenario: str, runs: int) -> str:
    found = (each.trial.evidence for each in results if _is(each, scenario, runs) and each.trial.evidence)
    evidence = next(found, None)
    return f": {quoted(evidence)}" if evidence else ""


def states(results: Sequence[TrialResult]) -> PhaseAnswer:
    """In what state are loops and clients before and after each run?"""
    question = "In what state are the loop and the client before and after each run?"
    rows: list[tuple[str, ...]] = []
    for scenario in SCENARIOS:
        instrumented = next((each for each in results if each.trial.cell.scenario == scenario and each.events), None)
        if instrumented is not None:
            rows += _state_rows(scenario, instrumented)
    left_open = _left_open(results)
    if not rows:
        return cannot_tell(
            question,
            "No trial was instrumented, so only what is open after the last run is known, which the table lists.",
            left_open,
        )
    table = Table(
        "Loops and clients when each run begins and ends",
        ("scenario", "run", "its loop", "earlier loops", "client it used", "earlier clients"),
        tuple(rows),
    )
    sentences = []
    for scenario in FAILING_SCENARIOS:
        own = [row for row in rows if row[0] == f"`{scenario}`"]
        if own:
            _, number, its_loop, loops, _, clients = own[-1]
            sentences.append(
                f"`{scenario}`: when run {number} begins, the earlier loops are {loops} and the earlier clients "
                f"{clients}; its own loop is {its_loop.partition(', then ')[2]} when the next run or the program's end "
                "comes."
            )
    return PhaseAnswer(question, tuple(sentences), tables=(table, left_open))


def _state_rows(scenario: str, instrumented: TrialResult) -> list[tuple[str, ...]]:
    loops, clients = Loops(instrumented.events), Clients(instrumented.events)
    rows: list[tuple[str, ...]] = []
    for number, entry in enumerate(loops.entries(), start=1):
        own = clients.used_in(entry)
        rows.append(
            (
                f"`{scenario}`",
                str(number),
                f"{entry.loop}: open, then {loops.state(entry.loop, entry.next)}",
                loops.summary(before=entry.first, but=(entry.loop,)),
                ", ".join(f"{name}: {clients.state(name, entry.next)}" for name in own) or "none",
                clients.summary(before=entry.first),
            )
        )
    return rows


def _left_open(results: Sequence[TrialResult]) -> Table:
    """Descriptors after the last run, which show clients that nobody closed even without instrumentation."""
    rows = []
    for scenario, what in SCENARIOS.items():
        found = [each.trial.accounting for each in results if _is(each, scenario) and not each.trial.instrumented]
        if found:
            rows.append((f"`{scenario}`", what, str(max(each.fds_left for each in found)), _answered(found)))
    return Table("Left open after the runs", ("scenario", "between the runs", "descriptors", "answers"), tuple(rows))


def _answered(found: Sequence[Accounting]) -> str:
    return ", ".join(sorted({f"{each.answers} of {each.calls}" for each in found}))


def deletion(results: Sequence[TrialResult]) -> PhaseAnswer:
    """Do `del` and `gc.collect()` cause the error or prevent it?"""
    question = "Do an explicit `del` and `gc.collect()` cause the error or prevent it?"
    seen = {name: symptoms(_deciding(results, name)) for name in ("gc-between-runs", "gc-inside-run", FAILING)}
    table = Table(
        "The same runs, collected at different moments",
        ("scenario", "collected", "symptoms", "descriptors left"),
        tuple(
            (f"`{name}`", SCENARIOS[name], times(found), _most_left(results, name))
            for name, found in seen.items()
            if found
        ),
    )
    if not seen["gc-between-runs"] or not seen["gc-inside-run"]:
        return cannot_tell(question, "The scenarios with an explicit collection did not run.", table)
    between, inside = _fails(seen["gc-between-runs"]), _fails(seen["gc-inside-run"])
    without = _fails(seen[FAILING])
    if not between and inside:
        word = "prevents" if without else "does not cause"
        left = _most_left(results, "gc-between-runs")
        sentences = [
            "It depends on the moment.",
            f"Between the runs, while no loop runs, it {word} the error; {left} descriptors are left open.",
            "While the next loop runs it causes the error: a client of an earlier loop is finalised on that loop.",
        ]
        if without:
            sentences.append("Without it, the collector starts by itself, and did so while the next loop ran.")
    elif between and inside:
        word, sentences = "causes", ["It causes the error at both moments."]
    elif between:
        word, sentences = "causes", ["It causes the error between the runs, but not while the next loop runs."]
    else:
        word, sentences = "neither", ["Neither: no symptom was seen with an explicit collection at either moment."]
    facts = {"collection_between_runs": word, "collection_inside_run": "causes" if inside else "neither"}
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts=facts)


def kept(results: Sequence[TrialResult]) -> PhaseAnswer:
    """Does the error occur if nothing is collected between the runs?"""
    question = "Does the error occur if every reference is kept until the end?"
    found = symptoms(_deciding(results, "keep-references"))
    if not found:
        return cannot_tell(question, "The scenario that keeps every reference did not run.")
    if _fails(found):
        return PhaseAnswer(question, (f"Yes: {times(found)}.",), facts={"kept_fails": True})
    left = _most_left(results, "keep-references")
    sentence = f"No ({times(found)}), but {left} descriptors are still open after the runs."
    return PhaseAnswer(question, (sentence,), facts={"kept_fails": False})


def symptoms(results: Sequence[TrialResult]) -> Counter[str]:
    """Returns how often each symptom was seen."""
    return Counter(each.trial.symptom for each in results if each.trial.symptom is not None)


def _fails(found: Counter[str]) -> bool:
    return any(symptom != "none" for symptom in found)


def _deciding(results: Sequence[TrialResult], scenario: str) -> list[TrialResult]:
    """The uninstrumented trials of a scenario if there are any, else all of them."""
    own = [each for each in results if each.trial.cell.scenario == scenario]
    return [each for each in own if not each.trial.instrumented] or own


def _is(each: TrialResult, scenario: str, runs: int | None = None) -> bool:
    cell = each.trial.cell
    return cell.scenario == scenario and runs in (None, cell.load.runs)


def _most_left(results: Sequence[TrialResult], scenario: str) -> str:
    return str(max((each.trial.accounting.fds_left for each in _deciding(results, scenario)), default=0))


PHASE = Phase(1, "isolation: which run fails, and the effect of deletion and collection", run, answers)
