"""Phase 3, the life of every client: made where, used on which loop, closed or finalised when, in which state."""

from __future__ import annotations

from collections.abc import Sequence

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.event import Event
from diagnostics.model.phase import PhaseAnswer, Table, cannot_tell
from diagnostics.phases.phase2 import NOT_WATCHED, SCENARIOS, first_of
from diagnostics.phases.phase2 import run as run_instrumented
from diagnostics.phases.plan import Phase, PhaseOptions, Session
from diagnostics.report.view.lifecycle import Clients, Loops, spot
from diagnostics.report.view.phrasing import count, listed


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """The same instrumented trials as phase 2."""
    return run_instrumented(session, options)


def answers(played: Sequence[TrialResult], _: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """The three things that the plan says to look for, and the order of it all."""
    seen = [each for each in played if each.events]
    return (made(seen), finalised(seen), touched(seen), order(seen))


def made(played: Sequence[TrialResult]) -> PhaseAnswer:
    """When is each client made, and on which loops is it used?"""
    question = "Where is each client made, and on which loops is it used?"
    rows, sentences = [], []
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        if each is None:
            continue
        clients = Clients(each.events)
        several = []
        for name in clients.names:
            event = clients.event(name, "created")
            used = [use.loop or "no loop" for use in clients.all(name, "used")]
            during = f"while {event.running} ran" if event and event.running else "before any loop ran"
            rows.append(
                (
                    f"`{scenario}`",
                    name,
                    event.name if event else "",
                    spot(event.site if event else None),
                    during,
                    ", ".join(used) or "never used",
                )
            )
            if len(set(used)) > 1:
                several.append(name)
        sentences.append(
            f"`{scenario}`: {count(len(clients.names), 'client')}"
            + (f"; {listed(several)} used on more than one loop." if several else ", each used on one loop only.")
        )
    if not rows:
        return cannot_tell(question, NOT_WATCHED)
    table = Table("every client", ("scenario", "client", "type", "made at", "when", "used on"), tuple(rows))
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"created_at": rows[0][3]})


def finalised(played: Sequence[TrialResult]) -> PhaseAnswer:
    """When is `__del__` called, and in what state is the loop then?"""
    question = "When is a client's `__del__` called, and in what state is its loop then?"
    rows, sentences, facts = [], [], {}
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        if each is None:
            continue
        clients, loops = Clients(each.events), Loops(each.events)
        wrong = 0
        for name in clients.names:
            event, home = clients.event(name, "finalised"), clients.home(name)
            if event is None:
                rows.append((f"`{scenario}`", name, "never", "", home or "none", "", ""))
                continue
            state = loops.state(home, event.number) if home else "it had none"
            wrong += event.running is not None and event.running != home
            rows.append(
                (
                    f"`{scenario}`",
                    name,
                    f"event {event.number}",
                    event.detail,
                    home or "none",
                    state,
                    event.running or "none",
                )
            )
        facts[scenario] = wrong
        own = sum(row[0] == f"`{scenario}`" for row in rows)
        sentences.append(f"`{scenario}`: {wrong} of {own} clients were finalised while a loop that is not theirs ran.")
    if not rows:
        return cannot_tell(question, NOT_WATCHED)
    table = Table(
        "the finaliser of every client",
        ("scenario", "client", "called", "how", "its loop", "state of its loop", "loop that ran"),
        tuple(rows),
    )
    return PhaseAnswer(question, tuple(sentences), tables=(table,), facts={"finalised_on_another_loop": facts})


def touched(played: Sequence[TrialResult]) -> PhaseAnswer:
    """Who touches a closed loop, or another one's connections?"""
    question = "Which operation touches a loop that is closed, or is not the running one?"
    rows: list[tuple[str, ...]] = []
    operations = []
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        for event in _first_touches(each.events if each else ()):
            rows.append(
                (f"`{scenario}`", event.subject, _loop(event), event.running or "none", event.detail, spot(event.by))
            )
            operations.append(f"{event.detail.partition(': ')[2]} by {spot(event.by)}")
    if not played:
        return cannot_tell(question, NOT_WATCHED)
    if not rows:
        return PhaseAnswer(
            question, ("None was seen in these trials: nothing touched a foreign loop.",), facts={"touches": []}
        )
    table = Table(
        "the first foreign touch of each client and kind",
        ("scenario", "client", "the loop it belongs to", "loop that ran", "what", "by"),
        tuple(rows),
    )
    return PhaseAnswer(
        question,
        (f"Kinds of touch: {len(rows)}. The first is {operations[0]}.",),
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


def order(played: Sequence[TrialResult]) -> PhaseAnswer:
    """In what order does it all happen?"""
    question = "In what order does it happen?"
    tables = []
    for scenario in SCENARIOS:
        each = first_of(played, scenario)
        if each is None:
            continue
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
        columns = ("event", "of", "what", "on", "loop that ran", "by", "more")
        tables.append(Table(f"{scenario}, in order; the collector's own passes left out", columns, rows))
    if not tables:
        return cannot_tell(question, NOT_WATCHED)
    return PhaseAnswer(
        question,
        ("As the tables say; the log of all events is beside this file, in `phase3.events.jsonl`.",),
        tables=tuple(tables),
    )


def _without_repetition(events: Sequence[Event]) -> list[Event]:
    """Of touches that are alike only the first: a hundred connections make a hundred."""
    kept, seen = [], set()
    for event in events:
        key = (event.subject, event.what, event.detail)
        if event.what != "touched" or key not in seen:
            kept.append(event)
        seen.add(key)
    return kept


PHASE = Phase(3, "the life of every client", run, answers)
