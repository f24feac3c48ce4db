"""Does the sanitizer change what a program does? Every cell of one environment, with and without.

What is compared of a trial is how it ended, what the program got, what the server saw, and what was printed, without
what differs by itself: addresses, numbers, and the order of lines. A cell whose own uninstrumented trials differ says
nothing about the watch; there it is only asked whether the instrumented ones do what one of the uninstrumented did.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.figures import Bench, Figure
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.environments import prepare
from diagnostics.lab.execution.outcome import Traces, TrialPlan
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import Worker
from diagnostics.lab.server import ProviderServer
from diagnostics.model.cell import Cell, Load
from diagnostics.model.limits import Limits

TRIALS = 3
AGAIN = (9, 120)
"""Trials more, twice, where a instrumented one differs: a race may show only once in a hundred trials."""

AT_ONCE = 2
LOAD = Load(runs=3, calls=5, concurrency=5, retries=2)

Face = tuple[Any, ...]
Seen = dict[Cell, dict[bool, set[Face]]]


def measure(bench: Bench) -> list[Figure]:
    """Counts the cells that are the same, that race by themselves, and that the watch changes; names the last two."""
    prepared = prepare(bench.combination, cache=bench.cache)
    with (
        ProviderServer() as server,
        Worker(prepared.python, stage_code(bench.cache), server, limits=Limits(timeout=10)) as worker,
    ):
        providers = [name for name in PROVIDERS if worker.probe(name)[0] == "ran"]
        product = list(itertools.product(providers, SCENARIOS, FIXES))
        few = product[:: max(1, round(1 / bench.scale))]
        cells = [Cell(prepared.environment.name, provider, scenario, fix, LOAD) for provider, scenario, fix in few]
        bench.say(f"{len(cells)} cells, {TRIALS} trials with and {TRIALS} without")
        seen: Seen = {}
        _note(seen, worker.run(_plans(cells, range(TRIALS)), AT_ONCE))
        first = TRIALS
        for more in AGAIN:
            differ = [cell for cell in cells if len(seen[cell][False]) == 1 and seen[cell][True] != seen[cell][False]]
            bench.say(f"{len(differ)} of them {more} times more")
            _note(seen, worker.run(_plans(differ, range(first, first + more)), AT_ONCE))
            first += more
    racing = [cell for cell in cells if len(seen[cell][False]) > 1]
    changed = [cell for cell in cells if cell not in racing and seen[cell][True] != seen[cell][False]]
    new = [cell for cell in racing if not seen[cell][True] & seen[cell][False]]
    return [
        Figure("cells that do the same with and without", f"{len(cells) - len(racing) - len(changed)} of {len(cells)}"),
        Figure("cells that race by themselves", f"{len(racing)}: {_names(racing)}"),
        Figure("of those, never the same with and without", f"{len(new)}{_shown(new, seen)}", goal="0"),
        Figure("cells that the watch changes", f"{len(changed)}{_shown(changed, seen)}", goal="0"),
    ]


def _plans(cells: Iterable[Cell], trials: Iterable[int]) -> Iterator[TrialPlan]:
    for cell, trial, instrumented in itertools.product(cells, list(trials), (False, True)):
        yield TrialPlan(cell, trial, "fork", instrumented)


def _note(seen: Seen, played: Iterable[tuple[TrialPlan, Traces]]) -> None:
    for plan, traces in played:
        seen.setdefault(plan.cell, {True: set(), False: set()})[plan.instrumented].add(face(traces))


def face(traces: Traces) -> Face:
    """What a trial did, as something that can be compared."""
    result = traces.result or {}
    return (
        traces.hang,
        traces.exit,
        result.get("status"),
        result.get("calls"),
        result.get("answers"),
        tuple(sorted(_plain(error) for error in result.get("errors", ()))),
        traces.account.requests,
        traces.account.retries,
        tuple(sorted(set(_plain(traces.output).splitlines()))),
    )


def _plain(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "…", text)


def _names(cells: Iterable[Cell]) -> str:
    found: dict[str, set[str]] = {}
    for cell in cells:
        found.setdefault(cell.scenario, set()).add(cell.fix)
    return "; ".join(f"{scenario} with {', '.join(sorted(fixes))}" for scenario, fixes in sorted(found.items()))


def _shown(cells: Iterable[Cell], seen: Seen) -> str:
    lines = []
    for cell in cells:
        with_, without = seen[cell][True] - seen[cell][False], seen[cell][False]
        lines.append(f"\n{cell.provider} {cell.scenario} {cell.fix}: {_short(with_)} against {_short(without)}")
    return "".join(lines)


def _short(faces: Iterable[Face]) -> str:
    return " or ".join(str(face[:5] + face[6:8]) for face in faces)
