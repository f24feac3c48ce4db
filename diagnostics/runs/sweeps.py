"""The sweeps of phase 6, where its record lies in a run folder: how often the error showed at which load. Pure."""

from __future__ import annotations

from typing import Any

from diagnostics.model.phase import read_phase
from diagnostics.runs.records import Sweep

MEASURES = ("calls", "concurrency")


def sweeps_of(data: Any) -> tuple[Sweep, ...]:
    """What `phase6.json` holds; loads that were not tried are left out.

    Raises:
        ValueError: it is not the record of a phase, or its numbers are none.
        KeyError, TypeError: a field is missing or wrong.
    """
    found = read_phase(data)
    facts = found.facts()
    sweeps = []
    for measure in MEASURES:
        points = tuple(
            (_count(each[measure]), _count(each["shown"]), _count(each["trials"]))
            for each in facts.get(f"by_{measure}", ())
            if each["trials"]
        )
        if any(shown > trials for _, shown, trials in points):
            raise ValueError(f"the sweep over {measure} shows the error more often than it was tried")
        if points:
            sweeps.append(Sweep(measure, str(found.provider), str(found.environment.python), points))
    return tuple(sweeps)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value
