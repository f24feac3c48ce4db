"""Suites drawn from seeds; `python -m benchmarks blame` judges a thousand of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.answering import answering
from benchmarks.blame.judge import wrong
from benchmarks.blame.running import ASKED, run
from benchmarks.blame.suites import suite

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEEDS = range(10)


@pytest.mark.environment
@pytest.mark.slow
def test_exactly_the_tests_that_leak_are_blamed(
    interpreter: Callable[[str], Path],
    surroundings: Callable[[str], dict[str, str]],
    installed: Path,
    tmp_path: Path,
) -> None:
    suites = [suite(seed) for seed in SEEDS]
    around = surroundings("plugin")
    with answering(tmp_path) as (urls, _):
        around |= {"PEER": urls["no TLS"], "PYTHONPATH": f"{around['PYTHONPATH']}:{installed}"}
        folders = run(interpreter("pytest"), suites, tmp_path / "suites", around, *ASKED)
    problems = [wrong(each, folder) for each, folder in zip(suites, folders, strict=True)]
    assert problems == [[] for _ in SEEDS]
    assert sum(len(each.answers) for each in suites) > len(SEEDS)
