"""Phase 6, environment: how often it happens at which load, and what the chance is made of."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.cell import Load
from diagnostics.model.codec import encode
from diagnostics.model.event import Event
from diagnostics.model.phase import CANNOT_TELL, PhaseAnswer, PhaseResult, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.view.interval import in_words, wilson
from diagnostics.report.view.phrasing import listed

CONCURRENCIES = (1, 10, 50, 100, 300)
JETS = (5, 10, 50, 100)
FULL = 100
"""Calls a run while the concurrency is swept; as many more as the concurrency asks for."""

BUDGET = 150.0
"""Seconds after which no further load is begun; what was not tried is said."""


def loads(options: PhaseOptions) -> list[tuple[str, Load]]:
    """The loads of both sweeps, each with the name of its sweep; what a person fixed is not swept."""
    runs = options.runs or 3
    calls = (options.calls,) if options.calls else JETS
    at_once = (options.concurrency,) if options.concurrency else CONCURRENCIES
    swept = [("calls", Load(runs, each, min(options.concurrency or each, each))) for each in calls]
    swept += [("concurrency", Load(runs, options.calls or max(FULL, each), each)) for each in at_once]
    return list(dict.fromkeys(swept))


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """Both sweeps, one trial at a time so that its seconds are its own, and one instrumented trial of each load."""
    here, trials = session.target.environment.name, options.trials or 3
    played: list[TrialResult] = []
    done: set[Load] = set()
    clock = time.perf_counter()
    for _, load in loads(options):
        if load in done or time.perf_counter() - clock > BUDGET:
            continue
        done.add(load)
        wanted = plans(here, options.provider, FAILING, load, trials=trials)
        played += session.run(wanted + plans(here, options.provider, FAILING, load, trials=1, instrumented=True))
    return played


def answers(played: Sequence[TrialResult], options: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Does it depend on concurrency, on the number of calls; threshold or chance; what is the chance made of?"""
    rates = {load: rate(played, load) for _, load in loads(options)}
    return (
        sweep("calls", rates, options),
        sweep("concurrency", rates, options),
        threshold(rates, options),
        chance(played, options),
    )


def rate(played: Sequence[TrialResult], load: Load) -> dict[str, Any]:
    """What the uninstrumented trials of a load did."""
    own = [each.trial for each in played if each.trial.cell.load == load and not each.trial.instrumented]
    ran = [trial for trial in own if trial.symptom is not None]
    shown = sum(trial.symptom != "none" for trial in ran)
    low, high = wilson(shown, len(ran))
    return {
        **encode(load),
        "trials": len(ran),
        "shown": shown,
        "low": round(low, 4),
        "high": round(high, 4),
        "symptoms": dict(Counter(trial.symptom for trial in ran)),
        "seconds": round(median(trial.accounting.seconds for trial in ran), 4) if ran else None,
        "connections": round(median(trial.accounting.connections for trial in ran)) if ran else None,
    }


def sweep(name: str, rates: dict[Load, dict[str, Any]], options: PhaseOptions) -> PhaseAnswer:
    """How often, at which concurrency or number of calls?"""
    question = {
        "calls": "Does it depend on the number of calls?",
        "concurrency": "Does it depend on how many calls are in flight at once?",
    }[name]
    own = [rates[load] for which, load in loads(options) if which == name]
    rows = tuple(
        (
            str(each["calls"]),
            str(each["concurrency"]),
            str(each["runs"]),
            in_words(each["shown"], each["trials"]) if each["trials"] else "not tried: no time left, or it did not run",
            "" if each["seconds"] is None else f"{each['seconds']:.2f}",
            "" if each["connections"] is None else str(each["connections"]),
        )
        for each in own
    )
    columns = ("calls a run", "at once", "runs", "error seen (95 % interval)", "seconds", "connections")
    table = Table(f"{FAILING} over the {name}", columns, rows)
    tried = [each for each in own if each["trials"]]
    if not tried:
        return cannot_tell(question, "No load of this sweep ran.", table)
    facts = {f"by_{name}": own}
    if len(tried) == 1:
        return PhaseAnswer(question, ("One load alone says nothing about dependence.",), CANNOT_TELL, (table,), facts)
    shares = {each["shown"] / each["trials"] for each in tried}
    if len(shares) == 1:
        (share,) = shares
        said = (
            "It was seen in every trial" if share == 1 else "It was seen in no trial" if share == 0 else "Equally often"
        )
        return PhaseAnswer(
            question,
            (f"Not in these trials: {said} at {tried[0][name]} to {tried[-1][name]}.",),
            tables=(table,),
            facts=facts,
        )
    return PhaseAnswer(question, (_dependence(tried, name),), tables=(table,), facts=facts)


def _dependence(tried: Sequence[dict[str, Any]], name: str) -> str:
    """How the shares follow the load, where they are not all the same."""
    seen = [each for each in tried if each["shown"]]
    never = [each for each in tried if not each["shown"]]
    said = listed([f"{each[name]}: {in_words(each['shown'], each['trials'])}" for each in seen])
    if never and max(each[name] for each in never) > min(each[name] for each in seen):
        silent = listed([str(each[name]) for each in never])
        return f"Not in one direction: seen at {said}; not at {silent}. More load is not more error."
    apart = min(each["high"] for each in tried) < max(each["low"] for each in tried)
    if not apart:
        return f"It looks so: seen at {said}; but the intervals still overlap, so try --trials 10 to be sure."
    return f"Yes: seen at {said}."


def threshold(rates: dict[Load, dict[str, Any]], options: PhaseOptions) -> PhaseAnswer:
    """Is there a threshold, or only chance?"""
    question = "Is there a threshold, or only chance?"
    own = [rates[load] for which, load in loads(options) if which == "calls" and rates[load]["trials"]]
    if len(own) < 2:
        return cannot_tell(question, "It takes two loads at least.")
    mixed = [each for each in own if 0 < each["shown"] < each["trials"]]
    never = [each["calls"] for each in own if each["shown"] == 0]
    always = [each["calls"] for each in own if each["shown"] == each["trials"]]
    if not mixed and never and always and max(never) < min(always):
        sentence = (
            f"In this interpreter a threshold, between {max(never)} and {min(always)} calls a run: below never seen, "
            "above it in every trial. Equal programs allocate equally, so the collector starts at the same moment; "
            "in a program that does anything else besides, that moment moves."
        )
        return PhaseAnswer(question, (sentence,), facts={"threshold": [max(never), min(always)]})
    if mixed:
        said = ", ".join(f"{each['calls']}: {in_words(each['shown'], each['trials'])}" for each in mixed)
        return PhaseAnswer(question, (f"Chance, at least at {said}.",), facts={"threshold": None})
    if not always:
        return cannot_tell(question, "It was never seen at these loads.")
    if not never:
        return cannot_tell(question, "It was seen in every trial at every load, so a threshold lies below all of them.")
    said = f"seen at {listed([str(calls) for calls in always])}, not at {listed([str(calls) for calls in never])}"
    sentence = (
        f"No threshold: {said} calls a run. Each load gives the same in every trial, but a little more or less of it "
        "moves the collector's passes to other moments."
    )
    return PhaseAnswer(question, (sentence,), facts={"threshold": None})


def chance(played: Sequence[TrialResult], options: PhaseOptions) -> PhaseAnswer:
    """What is the chance made of?"""
    question = "What is the chance made of?"
    rows, moments = [], []
    for load in dict.fromkeys(load for _, load in loads(options)):
        each = next((each for each in played if each.trial.cell.load == load and each.events), None)
        if each is None:
            continue
        passes = collections(each.events)
        found = finding_pass(each.events)
        moments.append(found is not None)
        rows.append(
            (
                str(load.calls),
                str(load.concurrency),
                *(str(passes[generation]) for generation in range(3)),
                f"event {found.number}, {found.detail}, while {found.running} ran"
                if found
                else "none while another loop ran",
                each.trial.symptom or each.trial.status,
            )
        )
    if not rows:
        return cannot_tell(question, "No trial wrote its events down, so the collector's passes were not counted.")
    table = Table(
        "passes that the collector began by itself, in one instrumented trial each",
        ("calls a run", "at once", "generation 0", "1", "2", "the pass that found an earlier client", "symptom"),
        tuple(rows),
    )
    sentence = (
        "Of the moment at which the collector starts by itself: it counts allocations, and a pass over its generation"
        " that falls into a run of another loop finds the earlier clients there."
    )
    told = f"Such a pass was seen in {sum(moments)} of {len(moments)} instrumented trials."
    return PhaseAnswer(question, (sentence, told), tables=(table,), facts={"pass_seen": sum(moments)})


def collections(events: Sequence[Event]) -> Counter[int]:
    """How often the collector ran over each generation before the program's last loop was left."""
    end = max((event.number for event in events if event.what == "left"), default=0)
    found: Counter[int] = Counter()
    for event in events:
        match = re.search(r"generation (\d)", event.detail)
        if event.subject == "GC" and match and event.number < end:
            found[int(match[1])] += 1
    return found


def finding_pass(events: Sequence[Event]) -> Event | None:
    """The collector's pass in which a client was finalised while a loop that is not its own ran."""
    home = {event.subject: event.loop for event in reversed(events) if event.what == "used"}
    last: Event | None = None
    for event in events:
        if event.subject == "GC":
            last = event
        elif event.what == "finalised" and event.running is not None and event.running != home.get(event.subject):
            return last
    return None


def compare(mine: PhaseResult, other: PhaseResult) -> PhaseAnswer:
    """Two machines, or two days, side by side."""
    question = "What differs from the other run?"
    here, there = mine.facts(), other.facts()
    rows = []
    for name in ("by_calls", "by_concurrency"):
        theirs = {_load(each): each for each in there.get(name, ())}
        for each in here.get(name, ()):
            match = theirs.get(_load(each))
            rows.append((name[3:], str(each["calls"]), str(each["concurrency"]), _cell(each), _cell(match)))
    columns = ("sweep", "calls a run", "at once", _machine(mine), _machine(other))
    table = Table("error seen, seconds", columns, tuple(rows))
    both = [row for row in rows if "not tried" not in (row[3], row[4])]
    if not both:
        return cannot_tell(question, "The two runs have no load in common.", table)
    apart = [row for row in both if row[3].partition(" (")[0] != row[4].partition(" (")[0]]
    sentence = f"{len(apart)} of {len(both)} loads that both tried were seen differently often."
    return PhaseAnswer(question, (sentence,), tables=(table,), facts={"differ": len(apart), "common": len(both)})


def _load(each: dict[str, Any]) -> tuple[int, int, int]:
    return (each["runs"], each["calls"], each["concurrency"])


def _cell(each: dict[str, Any] | None) -> str:
    if each is None or not each["trials"]:
        return "not tried"
    return f"{in_words(each['shown'], each['trials'])}, {each['seconds']:.2f} s"


def _machine(found: PhaseResult) -> str:
    where = f"{found.machine.system}, {found.machine.cpus} processors"
    return f"{where}, Python {found.environment.python}, {found.started[:10]}"


PHASE = Phase(6, "environment: concurrency, number of calls, and chance", run, answers, compare)
