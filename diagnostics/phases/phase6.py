"""Phase 6, load: how often the error occurs at which load, and what makes it a matter of chance."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.cell import Load
from diagnostics.model.codec import encode
from diagnostics.model.event import Event
from diagnostics.model.phase import CANNOT_TELL, PhaseAnswer, PhaseResult, Table, cannot_tell
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions, Session, plans
from diagnostics.report.view.interval import in_words, wilson
from diagnostics.report.view.phrasing import listed

CONCURRENCIES: Final = (1, 10, 50, 100, 300)
CALLS: Final = (5, 10, 50, 100)
FULL: Final = 100
"""Calls a run while the concurrency is varied; more where the concurrency is higher."""

BUDGET: Final = 150.0
"""Seconds after which no further load is tried; the answers say which were not."""

Rate = dict[str, Any]
"""How often the error was seen at one load, as the facts of the answers have it."""


def loads(options: PhaseOptions) -> list[tuple[str, Load]]:
    """Returns the loads of both sweeps, each with the name of its sweep; what a person has set is not varied."""
    runs = options.runs or 3
    calls = (options.calls,) if options.calls else CALLS
    at_once = (options.concurrency,) if options.concurrency else CONCURRENCIES
    swept = [("calls", Load(runs, each, min(options.concurrency or each, each))) for each in calls]
    swept += [("concurrency", Load(runs, options.calls or max(FULL, each), each)) for each in at_once]
    return list(dict.fromkeys(swept))


def run(session: Session, options: PhaseOptions) -> list[TrialResult]:
    """Both sweeps, one trial at a time so that each has the machine for itself, and an instrumented one of each."""
    environment, trials = session.target.environment.name, options.trials or 3
    results: list[TrialResult] = []
    clock = time.perf_counter()
    for load in dict.fromkeys(load for _, load in loads(options)):
        if time.perf_counter() - clock > BUDGET:
            break
        wanted = plans(environment, options.provider, FAILING, load, trials=trials)
        wanted += plans(environment, options.provider, FAILING, load, trials=1, instrumented=True)
        results += session.run(wanted)
    return results


def answers(results: Sequence[TrialResult], options: PhaseOptions) -> tuple[PhaseAnswer, ...]:
    """Answers the questions of the phase."""
    rates = {load: rate(results, load) for _, load in loads(options)}
    return (
        sweep("calls", rates, options),
        sweep("concurrency", rates, options),
        threshold(rates, options),
        chance(results, options),
    )


def rate(results: Sequence[TrialResult], load: Load) -> Rate:
    """Returns what the uninstrumented trials of a load did."""
    own = [each.trial for each in results if each.trial.cell.load == load and not each.trial.instrumented]
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


def sweep(name: str, rates: dict[Load, Rate], options: PhaseOptions) -> PhaseAnswer:
    """How often does the error occur at which concurrency or number of calls?"""
    question = {
        "calls": "Does the error depend on the number of calls?",
        "concurrency": "Does the error depend on how many calls run at once?",
    }[name]
    own = [rates[load] for which, load in loads(options) if which == name]
    table = Table(
        f"{FAILING} at several loads",
        ("calls per run", "at once", "runs", "error seen (95 % interval)", "seconds", "connections"),
        tuple(_rate_row(each) for each in own),
    )
    tried = [each for each in own if each["trials"]]
    if not tried:
        return cannot_tell(question, "No trial of these loads ran.", table)
    facts = {f"by_{name}": own}
    if len(tried) == 1:
        return PhaseAnswer(question, ("Only one load was tried.",), CANNOT_TELL, (table,), facts)
    shares = {each["shown"] / each["trials"] for each in tried}
    if len(shares) > 1:
        return PhaseAnswer(question, (_dependence(tried, name),), tables=(table,), facts=facts)
    seen = {1: "seen in every trial", 0: "not seen in any trial"}.get(shares.pop(), "seen equally often")
    sentence = f"Not in these trials: it was {seen} at {tried[0][name]} to {tried[-1][name]}."
    return PhaseAnswer(question, (sentence,), tables=(table,), facts=facts)


def _rate_row(each: Rate) -> tuple[str, ...]:
    return (
        str(each["calls"]),
        str(each["concurrency"]),
        str(each["runs"]),
        in_words(each["shown"], each["trials"]) if each["trials"] else "not tried, or no trial ran",
        "" if each["seconds"] is None else f"{each['seconds']:.2f}",
        "" if each["connections"] is None else str(each["connections"]),
    )


def _dependence(tried: Sequence[Rate], name: str) -> str:
    """How the rates follow the load, if they are not all the same."""
    seen = [each for each in tried if each["shown"]]
    never = [each for each in tried if not each["shown"]]
    shown = listed([f"{each[name]}: {in_words(each['shown'], each['trials'])}" for each in seen])
    if never and max(each[name] for each in never) > min(each[name] for each in seen):
        silent = listed([str(each[name]) for each in never])
        return f"Not in one direction: seen at {shown}; not at {silent}. More load does not mean more errors."
    apart = min(each["high"] for each in tried) < max(each["low"] for each in tried)
    if not apart:
        return f"It seems so: seen at {shown}. The intervals still overlap; try --trials 10 to be sure."
    return f"Yes: seen at {shown}."


def threshold(rates: dict[Load, Rate], options: PhaseOptions) -> PhaseAnswer:
    """Is there a threshold, or is it chance?"""
    question = "Is there a threshold, or is it chance?"
    own = [rates[load] for which, load in loads(options) if which == "calls" and rates[load]["trials"]]
    if len(own) < 2:
        return cannot_tell(question, "Fewer than two loads were tried.")
    mixed = [each for each in own if 0 < each["shown"] < each["trials"]]
    never = [each["calls"] for each in own if each["shown"] == 0]
    always = [each["calls"] for each in own if each["shown"] == each["trials"]]
    if not mixed and never and always and max(never) < min(always):
        sentence = (
            f"In this interpreter there is a threshold between {max(never)} and {min(always)} calls per run: the error "
            "was never seen below and always above. Identical programs allocate identically, so the collector starts "
            "at the same moment; in a program that does anything else, that moment moves."
        )
        return PhaseAnswer(question, (sentence,), facts={"threshold": [max(never), min(always)]})
    if mixed:
        shown = ", ".join(f"{each['calls']}: {in_words(each['shown'], each['trials'])}" for each in mixed)
        return PhaseAnswer(question, (f"Chance, at least at {shown}.",), facts={"threshold": None})
    if not always:
        return cannot_tell(question, "The error was not seen at these loads.")
    if not never:
        return cannot_tell(question, "The error was seen in every trial, so a threshold is below all of these loads.")
    sentence = (
        f"No threshold: seen at {_numbers(always)}, not at {_numbers(never)} calls per run. All trials of a load "
        "agree, but a little more or less load moves the passes of the collector to other moments."
    )
    return PhaseAnswer(question, (sentence,), facts={"threshold": None})


def _numbers(numbers: Sequence[int]) -> str:
    return listed([str(number) for number in numbers])


def chance(results: Sequence[TrialResult], options: PhaseOptions) -> PhaseAnswer:
    """What does chance depend on?"""
    question = "What does chance depend on?"
    rows, seen = [], 0
    for load in dict.fromkeys(load for _, load in loads(options)):
        each = next((each for each in results if each.trial.cell.load == load and each.events), None)
        if each is None:
            continue
        passes, found = collections(each.events), finding_pass(each.events)
        seen += found is not None
        what = f"event {found.number}, {found.detail}, while {found.running} ran" if found else "none"
        counts = (str(passes[generation]) for generation in range(3))
        symptom = each.trial.symptom or each.trial.status
        rows.append((str(load.calls), str(load.concurrency), *counts, what, symptom))
    if not rows:
        return cannot_tell(question, "No trial recorded its events, so the passes of the collector were not counted.")
    table = Table(
        "Passes that the collector started by itself, in one instrumented trial each",
        ("calls per run", "at once", "generation 0", "1", "2", "pass that found a client of another loop", "symptom"),
        tuple(rows),
    )
    sentence = (
        "On the moment at which the collector starts by itself: it counts allocations, and a pass that starts while "
        "another loop runs finds the earlier clients there."
    )
    counted = f"Such a pass was seen in {seen} of {len(rows)} instrumented trials."
    return PhaseAnswer(question, (sentence, counted), tables=(table,), facts={"pass_seen": seen})


def collections(events: Sequence[Event]) -> Counter[int]:
    """Returns how often the collector ran over each generation before the program's last loop was left."""
    end = max((event.number for event in events if event.what == "left"), default=0)
    found: Counter[int] = Counter()
    for event in events:
        match = re.search(r"generation (\d)", event.detail)
        if event.subject == "GC" and match and event.number < end:
            found[int(match[1])] += 1
    return found


def finding_pass(events: Sequence[Event]) -> Event | None:
    """Returns the collector's pass in which a client was finalised while another loop ran."""
    home = {event.subject: event.loop for event in reversed(events) if event.what == "used"}
    last: Event | None = None
    for event in events:
        if event.subject == "GC":
            last = event
        elif event.what == "finalised" and event.running is not None and event.running != home.get(event.subject):
            return last
    return None


def compare(mine: PhaseResult, other: PhaseResult) -> PhaseAnswer:
    """What differs from the other run?"""
    question = "What differs from the other run?"
    here, there = mine.facts(), other.facts()
    rows = []
    for name in ("by_calls", "by_concurrency"):
        theirs = {_load(each): each for each in there.get(name, ())}
        for each in here.get(name, ()):
            match = theirs.get(_load(each))
            rows.append((name[3:], str(each["calls"]), str(each["concurrency"]), _cell(each), _cell(match)))
    columns = ("sweep", "calls per run", "at once", _machine(mine), _machine(other))
    table = Table("Error seen, seconds", columns, tuple(rows))
    both = [row for row in rows if "not tried" not in (row[3], row[4])]
    if not both:
        return cannot_tell(question, "The two runs have no load in common.", table)
    apart = [row for row in both if row[3].partition(" (")[0] != row[4].partition(" (")[0]]
    sentence = f"The rates of {len(apart)} of {len(both)} loads differ."
    return PhaseAnswer(question, (sentence,), tables=(table,), facts={"differ": len(apart), "common": len(both)})


def _load(each: Rate) -> tuple[int, int, int]:
    return (each["runs"], each["calls"], each["concurrency"])


def _cell(each: Rate | None) -> str:
    if each is None or not each["trials"]:
        return "not tried"
    return f"{in_words(each['shown'], each['trials'])}, {each['seconds']:.2f} s"


def _machine(found: PhaseResult) -> str:
    system = f"{found.machine.system}, {found.machine.cpus} processors"
    return f"{system}, Python {found.environment.python}, {found.started[:10]}"


PHASE = Phase(6, "load: concurrency, number of calls, and chance", run, answers, compare)
