"""Whatever a run loses, no verdict comes from it: a handful of what `python -m benchmarks chaos` does."""

from __future__ import annotations

import sys

import pytest

from benchmarks.parts.chaos import Disturbed, disturb, smallest
from diagnostics.lab.environments import default_cache


@pytest.mark.environment
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the files of another process")
def test_no_verdict_differs_and_what_could_not_be_judged_is_broken_and_runs_again() -> None:
    found = list(disturb(smallest(), default_cache(), seeds=SEEDS))
    assert [Disturbed(one.lost, one.ran, one.broken, 0, 0, 0) for one in found] == found
    assert any(one.broken for one in found)


SEEDS = (3, 10, 15)
"""The disk of the trials, the staged code and the certificate, after some trials."""
