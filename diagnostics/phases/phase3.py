"""Phase 3, clients: where each client is created, on which loop it is used, and when and how it is cleaned up."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.event import Event
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.phase2 import NOT_INSTRUMENTED, instrumented
from diagnostics.phases.phase2 import run as run_instrumented
from diagnostics.phases.plan import Phase, PhaseOptions, Session
from diagnostics.report.view.lifecycle import Clients, Loops, spot
from diagnostics.report.view.phrasing import count, listed


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The same instrumented trials as phase 2."""
    return run_instrumented(session, options)


def answers(results: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Answers the questions of the phase."""
    seen = instrumented(results)
    return (created(seen), finalised(seen), touched(seen), order(seen))


def created(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """Where is each client created, and on which loops is it used?"""
    question = "Where is each client created, and on which loops is it used?"
    rows, sentences = [], []
    for scenario, each in seen.items():
        clients = Clients(each.events)
        several = []
        for name in clients.names:
            event = clients.event(name, "created")
            used = [use.loop or "no loop" for use in clients.all(name, "used")]
            during = f"while {event.running} ran" if event and event.running else "before any loop ran"
            kind, site = (event.name, event.site) if event else ("", None)
            rows.append((f"`{scenario}`", name, kind, spot(site), during, ", ".join(used) or "none"))
            if len(set(used)) > 1:
                several.append(name)
        how = f"{listed(several)} used on more than one loop" if several else "each used on one loop"
        sentences.append(f"`{scenario}`: {count(len(clients.names), 'client')}, {how}.")
    if not rows:
        return cannot_tell(question, NOT_INSTRUMENTED)
    table = Table("Every client", ("scenario", "client", "type", "created at", "when", "used on"), tuple(rows))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"created_at": rows[0][3]})


def finalised(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """When is `__del__` called, and in what state is the loop then?"""
    question = "When is a client's `__del__` called, and in what state is its loop then?"
    rows, sentences, facts = [], [], {}
    for scenario, each in seen.items():
        clients, loops = Clients(each.events), Loops(each.events)
        rows += [(f"`{scenario}`", *_finaliser(name, clients, loops)) for name in clients.names]
        foreign = 0
        for name in clients.names:
            event = clients.event(name, "finalised")
            foreign += event is not None and event.running not in (None, clients.home(name))
        facts[scenario] = foreign
        sentences.append(
            f"`{scenario}`: {foreign} of {count(len(clients.names), 'client')} finalised while another loop ran."
        )
    if not rows:
        return cannot_tell(question, NOT_INSTRUMENTED)
    table = Table(
        "The finaliser of every client",
        ("scenario", "client", "called", "how", "its loop", "state of its loop", "running loop"),
        tuple(rows),
    )
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"finalised_on_another_loop": facts})


def _finaliser(name: str, clients: Clients, loops: Loops) -> tuple[str, ...]:
    event, home = clients.event(name, "finalised"), clients.home(name)
    if event is None:
        return (name, "never", "", home or "none", "", "")
    state = loops.state(home, event.number) if home else "it has none"
    return (name, f"event {event.number}", event.detail, home or "none", state, event.running or "none")


def touched(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """What uses a closed loop, or connections of another loop?"""
    question = "Which operation uses a loop that is closed, or is not the running one?"
    rows: list[tuple[str, ...]] = []
    operations = []
    for scenario, each in seen.items():
        for event in _first_touches(each.events):
            running, by = event.running or "none", spot(event.by)
            rows.append((f"`{scenario}`", event.subject, _loop(event), running, event.detail, by))
            operations.append(f"{event.detail.partition(': ')[2]} by {by}")
    if not seen:
        return cannot_tell(question, NOT_INSTRUMENTED)
    if not rows:
        return PhaseAnswer(question, ("None in these trials.",), facts={"touches": []})
    table = Table(
        "The first use of each kind by each client",
        ("scenario", "client", "its loop", "running loop", "operation", "by"),
        tuple(rows),
    )
    return PhaseAnswer(
        question,
        (f"Kinds of use: {len(rows)}. The first is {operations[0]}.",),
        tables=(table,),
        facts={"touches": list(dict.fromkeys(operations))},
    )


def _first_touches(events: Sequence[Event]) -> list[Event]:
    first: dict[tuple[str, str], Event] = {}
    for event in events:
        if event.what == "touched":
            first.setdefault((event.subject, event.detail), event)
    return list(first.values())


def _loop(event: Event) -> str:
    state = {True: "open", False: "closed", None: "unknown"}[event.open]
    return f"{event.loop}, {state}" if event.loop else "none"


def order(seen: dict[str, TrialResult]) -> PhaseAnswer:
    """In what order does it happen?"""
    question = "In what order does it happen?"
    columns = ("event", "of", "what", "on", "running loop", "by", "more")
    tables = []
    for scenario, each in seen.items():
        shown = [event for event in each.events if event.subject != "GC" and not event.detail.startswith("to shut")]
        rows = tuple(
            (
                str(event.number),
                event.subject,
                event.what,
                event.loop or "",
                event.running or "",
                spot(event.by) if event.by else "",
                event.detail,
            )
            for event in _without_repetition(shown)
        )
        tables.append(Table(f"{scenario} in order, without passes of the collector", columns, rows))
    if not tables:
        return cannot_tell(question, NOT_INSTRUMENTED)
    sentence = "The tables show the order. All events are in `phase3.events.jsonl`, next to this file."
    return PhaseAnswer(question, (sentence,), tables=tuple(tables))


def _without_repetition(events: Sequence[Event]) -> list[Event]:
    """Only the first of identical touches, because a hundred connections make a hundred of them."""
    kept, seen = [], set()
    for event in events:
        key = (event.subject, event.what, event.detail)
        if event.what != "touched" or key not in seen:
            kept.append(event)
        seen.add(key)
    return kept


PHASE = Phase(3, "clients: where each is created, used and cleaned up", run, answers)
