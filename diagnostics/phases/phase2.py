"""Phase 2, loops: what creates and closes each of them, how often it runs, and whether its clients outlive it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.event import Event
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.view.lifecycle import Clients, Loops, closer, spot
from diagnostics.report.view.phrasing import count, listed

SCENARIOS: Final = {
    FAILING: "each object creates a loop and keeps it; nobody closes it",
    "gc-inside-run": "`asyncio.run` for each run",
    "repeated-run": "`asyncio.run` for each run, one client for all of them",
}

NOT_INSTRUMENTED: Final = "No trial recorded its events, so what happened inside is not known."


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """Instrumented trials of each scenario; one is enough, because its events show what happened in it."""
    load = options.load(runs=3, calls=50)
    environment = session.target.environment.name
    return session.run(
        [
            plan
            for scenario in SCENARIOS
            for plan in plans(
                environment, options.provider, scenario, load, trials=options.trials or 1, instrumented=True
            )
        ]
    )


def answers(results: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Answers the questions of the phase."""
    seen = instrumented(results)
    return (new_for_each(seen), what_closes(seen), closed_between(seen), timing(seen))


def instrumented(results: Sequence[TrialResult]) -> dict[str, TrialResult]:
    """Returns the first trial with events of each scenario."""
    first: dict[str, TrialResult] = {}
    for each in results:
        if each.events:
            first.setdefault(each.trial.cell.scenario, each)
    return {scenario: first[scenario] for scenario in SCENARIOS if scenario in first}


def new_for_each(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """Is a new loop created for each run?"""
    question = "Is a new loop created for each run?"
    rows, sentences, facts = [], [], {}
    for scenario, each in seen.items():
        loops = Loops(each.events)
        entries = [entry.loop for entry in loops.entries()]
        for name in loops.names:
            made = loops.event(name, "created")
            by, site = (made.by, made.site) if made else (None, None)
            rows.append((f"`{scenario}`", name, spot(by), spot(site), str(entries.count(name))))
        facts[scenario] = len(set(entries)) == len(entries)
        counted = f"{count(len(set(entries)), 'loop')} for {count(len(entries), 'run')}"
        more = f"so yes{_creator(loops, entries)}" if facts[scenario] else "so a loop is used again"
        sentences.append(f"`{scenario}`: {counted}, {more}.")
    if not rows:
        return cannot_tell(question, NOT_INSTRUMENTED)
    table = Table("Every loop", ("scenario", "loop", "created by", "for", "times run"), tuple(rows))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"new_loop_for_each": facts})


def _creator(loops: Loops, entries: Sequence[str]) -> str:
    made = loops.event(entries[0], "created") if entries else None
    if made is None:
        return ""
    return f", created by {spot(made.by)}" + (f" for {spot(made.site)}" if made.site != made.by else "")


def what_closes(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """What closes the loop?"""
    question = "What closes the loop?"
    rows, sentences, facts = [], [], {}
    for scenario, each in seen.items():
        loops = Loops(each.events)
        closings = {name: loops.event(name, "closed") for name in loops.names}
        rows += [
            (f"`{scenario}`", name, closer(event), _moment(event, each.events)) for name, event in closings.items()
        ]
        sites = [event.by for event in closings.values() if event is not None and event.by is not None]
        facts[scenario] = list(dict.fromkeys(f"{site.function} ({site.file}:{site.line})" for site in sites))
        if facts[scenario]:
            collected = any("__del__" in operation for operation in facts[scenario])
            how = ", run by the collector because nobody closes it" if collected else ""
            sentences.append(f"In `{scenario}`: {listed([f'`{name}`' for name in facts[scenario]])}{how}.")
        left_open = sum(event is None for event in closings.values())
        if left_open:
            sentences.append(f"{count(left_open, 'loop')} of `{scenario}` stayed open until the program ended.")
    if not rows:
        return cannot_tell(question, NOT_INSTRUMENTED)
    table = Table("What closed every loop", ("scenario", "loop", "closed by", "when"), tuple(rows))
    if not any(facts.values()):
        return PhaseAnswer(question, ("Nothing: every loop stayed open until the program ended.",), tables=(table,))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"closed_by": facts})


def _moment(event: Event | None, events: Sequence[Event]) -> str:
    if event is None:
        return "never"
    during = f"while {event.running} ran" if event.running else "while no loop ran"
    passes = [other for other in events if other.number < event.number and other.subject == "GC"]
    if event.by is not None and event.by.function.endswith("__del__") and passes:
        return f"event {event.number}, {during}; in the collector's pass over {passes[-1].detail}"
    return f"event {event.number}, {during}"


def closed_between(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """Is the loop closed between the runs?"""
    question = "Is the loop closed between the runs?"
    rows, sentences, facts = [], [], {}
    for scenario, each in seen.items():
        loops = Loops(each.events)
        states = [(entry.loop, loops.state(entry.loop, entry.next)) for entry in loops.entries()[:-1]]
        rows += [(f"`{scenario}`", *state) for state in states]
        if states:
            facts[scenario] = sum(state == "closed" for _, state in states)
            closed = f"{facts[scenario]} of {len(states)} loops were closed"
            sentences.append(f"`{scenario}`: {closed} when the next run began.")
    if not sentences:
        return cannot_tell(question, NOT_INSTRUMENTED)
    table = Table("Each loop when the next run begins", ("scenario", "loop", "state"), tuple(rows))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"closed_between": facts})


def timing(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """Does the loop close before its clients are cleaned up?"""
    question = "Does the loop close before the clients whose connections belong to it are cleaned up?"
    rows, sentences, facts = [], [], {}
    for scenario, each in seen.items():
        loops, clients = Loops(each.events), Clients(each.events)
        own = []
        for name in clients.names:
            if (home := clients.home(name)) is not None:
                closed, cleanup = loops.event(home, "closed"), _cleanup(clients, name)
                own.append((f"`{scenario}`", name, home, _number(closed), _number(cleanup), _first(closed, cleanup)))
        rows += own
        facts[scenario] = sum(row[-1] == "the loop" for row in own)
        sentences.append(f"`{scenario}`: the loop closed first for {facts[scenario]} of {count(len(own), 'client')}.")
    if not rows:
        return cannot_tell(question, NOT_INSTRUMENTED)
    table = Table(
        "When each loop closes and its clients are cleaned up",
        ("scenario", "client", "its loop", "loop closed", "client cleaned up", "first"),
        tuple(rows),
    )
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"loop_closed_first": facts})


def _cleanup(clients: Clients, name: str) -> Event | None:
    # A client without a finaliser is cleaned up when it is gone, and its connections with it.
    events = (clients.event(name, what) for what in ("finalised", "closed", "gone"))
    return next((event for event in events if event is not None), None)


def _first(closed: Event | None, cleanup: Event | None) -> str:
    if cleanup is None:
        return "the client was never cleaned up"
    return "the client" if closed is None or closed.number > cleanup.number else "the loop"


def _number(event: Event | None) -> str:
    return f"event {event.number}" if event is not None else "never"


PHASE = Phase(2, "loops: what creates and closes each of them", run, answers)
