"""The table of scenarios: one file a scenario, one row here."""

from __future__ import annotations

from typing import Final

from diagnostics.experiment.scenario import Scenario
from diagnostics.experiment.scenarios import (
    abandoned_stream,
    beam_search,
    fork,
    gc_between_runs,
    gc_inside_run,
    keep_references,
    keepalive_expired,
    repeated_run,
    sequential_classifiers,
    threads,
    unclosed_in_coroutine,
)

SCENARIOS: Final[dict[str, Scenario]] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        repeated_run,
        gc_between_runs,
        keep_references,
        gc_inside_run,
        sequential_classifiers,
        unclosed_in_coroutine,
        beam_search,
        abandoned_stream,
        threads,
        fork,
        keepalive_expired,
    )
}
