"""`kill -9` of a whole run, wherever it is, loses nothing and leaves nobody: a handful of what `nox -s bench` does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmarks.parts.killed_runs import Killed, kill_and_resume

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnostics.lab.combination import Combination
    from diagnostics.lab.environments import PreparedEnvironment


@pytest.mark.environment
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the baseline of what a forked trial leaves")
def test_killed_at_any_moment_it_goes_on_and_every_trial_is_there_once(
    environment: Callable[[str], PreparedEnvironment], combination: Callable[[str], Combination]
) -> None:
    environment("httpx2")
    killed = list(kill_and_resume(combination("httpx2"), seeds=(1, 2, 3)))
    assert [Killed(0, one.missing, one.twice, one.differing, one.left) for one in killed] == [Killed(0, 0, 0, 0, 0)] * 3
    assert len({one.kept for one in killed}) > 1
