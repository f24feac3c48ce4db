"""Phase 2, the life of every loop: made by whom, run how often, closed by what, when against the clients' cleanup."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.event import Event
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.view.lifecycle import Clients, Loops, closer, spot
from diagnostics.report.view.phrasing import count, listed

SCENARIOS = {
    FAILING: "each object makes a loop of its own and keeps it; nobody closes it",
    "gc-inside-run": "`asyncio.run` for each run",
    "repeated-run": "`asyncio.run` for each run, one client for all",
}

NOT_WATCHED = "No trial wrote its events down, so nothing can be said of what happened inside."


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """Instrumented trials of each scenario; one is enough, because a instrumented trial tells what happened in it."""
    load = options.load(runs=3, calls=50)
    here = session.target.environment.name
    return session.run(
        [
            plan
            for scenario in SCENARIOS
            for plan in plans(here, options.provider, scenario, load, trials=options.trials or 1, instrumented=True)
        ]
    )


def answers(played: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """The three things that the plan says to look for, and what closes the loop."""
    seen = [each for each in played if each.events]
    return (new_for_each(seen), what_closes(seen), closed_between(seen), timing(seen))


def first_of(played: Sequence[TrialResult], scenario: str) -> TrialResult | None:
    """The first instrumented trial of a scenario."""
    return next((each for each in played if each.trial.cell.scenario == scenario), None)


def new_for_each(played: Sequence[TrialResult]) -> PhaseAnswer:
    """Is a new loop made for each object?"""
    question = "Is a new loop made for each object?"
    rows, sentences, made_by = [], [], {}
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        if each is None:
            continue
        loops = Loops(each.events)
        entries = [entry.loop for entry in loops.entries()]
        for name in loops.names:
            made = loops.event(name, "created")
            rows.append(
                (
                    f"`{scenario}`",
                    name,
                    spot(made.by if made else None),
                    spot(made.site if made else None),
                    str(entries.count(name)),
                )
            )
        new = len(set(entries)) == len(entries)
        by = loops.event(entries[0], "created") if entries else None
        where = f", made by {spot(by.by)}" if by else ""
        where += f" for {spot(by.site)}" if by and by.site != by.by else ""
        sentences.append(
            f"`{scenario}`: {count(len(set(entries)), 'loop')} for {count(len(entries), 'configuration')}"
            + (f", so yes{where}." if new else ", so a loop is used again.")
        )
        made_by[scenario] = new
    if not rows:
        return cannot_tell(question, NOT_WATCHED)
    table = Table("every loop", ("scenario", "loop", "made by", "for", "times run"), tuple(rows))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"new_loop_for_each": made_by})


def what_closes(played: Sequence[TrialResult]) -> PhaseAnswer:
    """What closes the loop?"""
    question = "What closes the loop?"
    rows, found, left_open = [], {}, {}
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        if each is None:
            continue
        loops = Loops(each.events)
        for name in loops.names:
            event = loops.event(name, "closed")
            rows.append((f"`{scenario}`", name, closer(event), _when(event, each.events)))
        closed = [event for name in loops.names if (event := loops.event(name, "closed"))]
        found[scenario] = list(dict.fromkeys(f"{e.by.function} ({e.by.file}:{e.by.line})" for e in closed if e.by))
        left_open[scenario] = len(loops.names) - len(closed)
    if not rows:
        return cannot_tell(question, NOT_WATCHED)
    table = Table("what closed every loop", ("scenario", "loop", "closed by", "when"), tuple(rows))
    sentences = []
    for scenario, operations in found.items():
        if operations:
            how = (
                " through the collector, because nobody else does"
                if any("__del__" in name for name in operations)
                else ""
            )
            sentences.append(f"In `{scenario}` it is {listed([f'`{name}`' for name in operations])}{how}.")
        if left_open[scenario]:
            sentences.append(f"{count(left_open[scenario], 'loop')} of it still open when the program ended.")
    if not any(found.values()):
        return PhaseAnswer(question, ("Nothing: every loop was still open when the program ended.",), tables=(table,))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"closed_by": found})


def _when(event: Event | None, events: Sequence[Event]) -> str:
    if event is None:
        return "never"
    before = next((other for other in reversed(events) if other.number < event.number and other.subject == "GC"), None)
    during = f"while {event.running} ran" if event.running else "while no loop ran"
    if event.by is not None and event.by.function.endswith("__del__") and before is not None:
        return f"event {event.number}, {during}; in the collector's pass over {before.detail}"
    return f"event {event.number}, {during}"


def closed_between(played: Sequence[TrialResult]) -> PhaseAnswer:
    """Is the loop closed between the calls?"""
    question = "Is the loop closed between the configurations?"
    rows, sentences, facts = [], [], {}
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        if each is None:
            continue
        loops = Loops(each.events)
        entries = loops.entries()
        states = [loops.state(entry.loop, entry.next) for entry in entries[:-1]]
        for entry, state in zip(entries, states, strict=False):
            rows.append((f"`{scenario}`", entry.loop, state))
        if states:
            closed = states.count("closed")
            facts[scenario] = closed
            sentences.append(
                f"`{scenario}`: {closed} of {len(states)} loops were closed when the next configuration began."
            )
    if not sentences:
        return cannot_tell(question, NOT_WATCHED)
    table = Table("each loop when the next configuration begins", ("scenario", "loop", "state"), tuple(rows))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"closed_between": facts})


def timing(played: Sequence[TrialResult]) -> PhaseAnswer:
    """When does the loop close, against the cleanup of the clients whose connections it carries?"""
    question = "Does the loop close before the cleanup of the clients whose connections belong to it, or after it?"
    rows, late = [], {}
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        if each is None:
            continue
        loops, clients = Loops(each.events), Clients(each.events)
        late[scenario] = 0
        for name in clients.names:
            home = clients.home(name)
            # A client without a finaliser is cleaned up when it is gone, and its connections with it.
            ends = (clients.event(name, what) for what in ("finalised", "closed", "gone"))
            cleanup = next((event for event in ends if event is not None), None)
            closed = loops.event(home, "closed") if home else None
            if home is None:
                continue
            if cleanup is None:
                order = "the client was never cleaned up"
            elif closed is None or closed.number > cleanup.number:
                order = "the client first"
            else:
                order = "the loop first"
                late[scenario] += 1
            rows.append((f"`{scenario}`", name, home, _number(closed), _number(cleanup), order))
    if not rows:
        return cannot_tell(question, NOT_WATCHED)
    table = Table(
        "events of each loop's end and of its clients' cleanup",
        ("scenario", "client", "its loop", "loop closed", "client cleaned up", "what came first"),
        tuple(rows),
    )
    sentences = [
        f"`{scenario}`: the loop was closed first for {first} of "
        f"{sum(row[0] == f'`{scenario}`' for row in rows)} clients."
        for scenario, first in late.items()
    ]
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"loop_closed_first": late})


def _number(event: Event | None) -> str:
    return f"event {event.number}" if event is not None else "never"


PHASE = Phase(2, "the life of every loop", run, answers)
