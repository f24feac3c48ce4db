"""Phase 1, isolate: two identical configurations, with deletion and collection, with references kept, with neither."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.view.lifecycle import Clients, Loops
from diagnostics.report.view.phrasing import quoted, times

ARMS = {
    "gc-between-runs": "`del` and `gc.collect()` between the runs, outside any loop",
    "gc-inside-run": "`del`, and `gc.collect()` while the next loop runs",
    "keep-references": "every reference kept to the end",
    FAILING: "neither: the object is rebound, the collector is left alone",
    "repeated-run": "one client for all runs",
}
"""What is done with the first configuration before the second one runs."""

MOST_RUNS = 3


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """Each arm with two configurations; the failing ones also with one and with three, to see which is the first."""
    here, trials = session.target.environment.name, options.trials or 2
    load = options.load(runs=2, calls=50)
    wanted = []
    for scenario in ARMS:
        wanted += plans(here, options.provider, scenario, load, trials=trials, instrumented=options.instrument)
        if not options.instrument:
            wanted += plans(here, options.provider, scenario, load, trials=1, instrumented=True)
    for runs in range(1, MOST_RUNS + 1):
        if runs != load.runs:
            other = replace(load, runs=runs)
            for scenario in (FAILING, "repeated-run"):
                wanted += plans(here, options.provider, scenario, other, trials=trials)
    return session.run(wanted)


def answers(played: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """The three questions of the plan, and the one of its second test."""
    return (which(played), state(played), deletion(played), kept(played))


def which(played: Sequence[TrialResult]) -> PhaseAnswer:
    """On which configuration does it fail?"""
    question = "On which configuration does it fail?"
    rows, first = [], {}
    for scenario in (FAILING, "repeated-run"):
        by_runs = {
            runs: symptoms([each for each in played if _is(each, scenario, runs) and not each.trial.instrumented])
            for runs in sorted({each.trial.cell.load.runs for each in played if each.trial.cell.scenario == scenario})
        }
        rows += [(f"`{scenario}`", str(runs), times(found)) for runs, found in by_runs.items()]
        shown = [runs for runs, found in by_runs.items() if any(symptom != "none" for symptom in found)]
        if by_runs:
            first[scenario] = min(shown, default=None)
    table = Table("symptoms without a fix", ("scenario", "configurations", "symptoms"), tuple(rows))
    if not any(found for _, _, found in rows):
        return cannot_tell(question, "No trial ran, so no configuration can be named.", table)
    sentences = []
    for scenario, runs in first.items():
        if runs is None:
            most = max(int(row[1]) for row in rows if row[0] == f"`{scenario}`")
            sentences.append(f"`{scenario}` showed nothing with up to {most} configurations of this load.")
        else:
            sentences.append(f"`{scenario}` fails on configuration {runs}{_evidence(played, scenario, runs)}.")
    if all(runs is None or runs > 1 for runs in first.values()) and any(first.values()):
        sentences.append("Never on the first: it takes an earlier client, whose loop is not the running one.")
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"first_failing": first})


def _evidence(played: Sequence[TrialResult], scenario: str, runs: int) -> str:
    said = next((e.trial.evidence for e in played if _is(e, scenario, runs) and e.trial.evidence), None)
    return f": {quoted(said)}" if said else ""


def state(played: Sequence[TrialResult]) -> PhaseAnswer:
    """In what state are loop and client before and after?"""
    question = "In what state are the loop and the client before and after each configuration?"
    rows: list[tuple[str, ...]] = []
    for scenario in ARMS:
        instrumented = next((each for each in played if each.trial.cell.scenario == scenario and each.events), None)
        if instrumented is not None:
            rows += _states(scenario, instrumented)
    table = Table(
        "loops and clients when each configuration begins and ends",
        ("scenario", "configuration", "its loop", "earlier loops", "client it used", "clients there before"),
        tuple(rows),
    )
    if not rows:
        left = _left_open(played)
        return cannot_tell(
            question,
            "No trial was instrumented, so the states in between are not known; after the last one, see below.",
            left,
        )
    sentences = []
    for scenario in (FAILING, "repeated-run"):
        own = [row for row in rows if row[0] == f"`{scenario}`"]
        if own:
            _, number, its_loop, loops, _, clients = own[-1]
            sentences.append(
                f"`{scenario}`: when configuration {number} begins, earlier loops: {loops}; clients: {clients}; "
                f"its own loop is {its_loop.partition(', then ')[2]} before the next one, or the end of the program."
            )
    return PhaseAnswer(question, tuple(sentences), tables=(table, _left_open(played)))


def _states(scenario: str, instrumented: TrialResult) -> list[tuple[str, ...]]:
    loops, clients = Loops(instrumented.events), Clients(instrumented.events)
    rows: list[tuple[str, ...]] = []
    for number, entry in enumerate(loops.entries(), start=1):
        own = clients.used_in(entry)
        rows.append(
            (
                f"`{scenario}`",
                str(number),
                f"{entry.loop}: open, then {loops.state(entry.loop, entry.next)}",
                loops.summary(before=entry.first, but=entry.loop),
                ", ".join(f"{name}: {clients.state(name, entry.next)}" for name in own) or "none was used",
                clients.summary(before=entry.first, but=()),
            )
        )
    return rows


def _left_open(played: Sequence[TrialResult]) -> Table:
    """Descriptors after the last run tell of clients that nobody closed, instrumented or not."""
    rows = []
    for scenario, what in ARMS.items():
        found = [each.trial.accounting for each in played if _is(each, scenario, None) and not each.trial.instrumented]
        if found:
            rows.append((f"`{scenario}`", what, str(max(each.fds_left for each in found)), _asked(found)))
    return Table(
        "left open after the runs",
        ("scenario", "between the configurations", "descriptors", "answers of calls"),
        tuple(rows),
    )


def _asked(found: Sequence[object]) -> str:
    return ", ".join(sorted({f"{each.answers}/{each.calls}" for each in found}))  # type: ignore[attr-defined]


def deletion(played: Sequence[TrialResult]) -> PhaseAnswer:
    """Does `del` + `gc.collect()` cause it or prevent it?"""
    question = "Does an explicit `del` and `gc.collect()` cause the error or prevent it?"
    seen = {arm: symptoms(_uninstrumented(played, arm)) for arm in ("gc-between-runs", "gc-inside-run", FAILING)}
    table = Table(
        "the same configurations, collected at different moments",
        ("scenario", "collected", "symptoms", "descriptors left"),
        tuple((f"`{arm}`", ARMS[arm], times(found), _most_left(played, arm)) for arm, found in seen.items() if found),
    )
    if not seen["gc-between-runs"] or not seen["gc-inside-run"]:
        return cannot_tell(question, "The arms with an explicit collection did not run.", table)
    outside = _shows(seen["gc-between-runs"])
    inside = _shows(seen["gc-inside-run"])
    without = _shows(seen[FAILING]) if seen[FAILING] else None
    if not outside and inside:
        word = "prevents" if without else "does not cause"
        left = _most_left(played, "gc-between-runs")
        outside_any = f"Between the runs, where no loop runs, it {word} the error: {left} descriptors are left open."
        in_the_next = "While the next loop runs it causes it: an earlier loop's client is finalised on that one."
        sentences = ["It depends on where it stands.", outside_any, in_the_next]
        if without:
            sentences.append("Without either, the collector chooses the moment by itself, and does choose the second.")
    elif outside and inside:
        word, sentences = "causes", ["It causes it, wherever it stands: the symptom is there in both arms."]
    elif outside:
        word, sentences = "causes", ["Between the runs it causes it; while the next loop runs it does not."]
    else:
        word = "neither"
        sentences = ["Neither: no symptom was seen with an explicit collection, wherever it stood."]
    return PhaseAnswer(
        question,
        tuple(sentences),
        tables=(table,),
        facts={"collection_between_runs": word, "collection_inside_run": "causes" if inside else "neither"},
    )


def kept(played: Sequence[TrialResult]) -> PhaseAnswer:
    """Does it still occur if nothing is collected between the runs?"""
    question = "Does it still occur if every reference is kept until the end?"
    found = symptoms(_uninstrumented(played, "keep-references"))
    if not found:
        return cannot_tell(question, "The arm that keeps every reference did not run.")
    left = _most_left(played, "keep-references")
    if _shows(found):
        return PhaseAnswer(question, (f"Yes: {times(found)}.",), facts={"kept_fails": True})
    return PhaseAnswer(
        question,
        (f"No ({times(found)}); but {left} descriptors are still open after the runs.",),
        facts={"kept_fails": False},
    )


def symptoms(found: Sequence[TrialResult]) -> Counter[str]:
    """How often each symptom was seen."""
    return Counter(each.trial.symptom for each in found if each.trial.symptom is not None)


def _shows(found: Counter[str]) -> bool:
    return any(symptom != "none" for symptom in found)


def _uninstrumented(played: Sequence[TrialResult], scenario: str) -> list[TrialResult]:
    """The trials that decide: those that were not instrumented, if there are any."""
    own = [each for each in played if each.trial.cell.scenario == scenario]
    return [each for each in own if not each.trial.instrumented] or own


def _is(each: TrialResult, scenario: str, runs: int | None) -> bool:
    cell = each.trial.cell
    return cell.scenario == scenario and runs in (None, cell.load.runs)


def _most_left(played: Sequence[TrialResult], scenario: str) -> str:
    return str(max((each.trial.accounting.fds_left for each in _uninstrumented(played, scenario)), default=0))


PHASE = Phase(1, "isolate: which configuration fails, and what deletion and collection do", run, answers)
