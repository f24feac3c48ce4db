"""Whatever a run loses, no verdict comes from it: a handful of what `python -m benchmarks chaos` does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.parts.chaos import Disturbed, disturb, smallest
from diagnostics.lab.environments import default_cache

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the size of files")


@pytest.mark.environment
def test_no_verdict_differs_and_what_could_not_be_judged_is_broken_and_runs_again() -> None:
    found = list(disturb(smallest(), default_cache(), seeds=SEEDS))
    assert [Disturbed(one.lost, one.ran, one.broken, 0, 0, 0) for one in found] == found
    assert any(one.broken for one in found)


def test_a_full_disk_at_the_start_is_one_line(tmp_path: Path) -> None:
    full = "import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
    module = "runpy.run_module('diagnostics', run_name='__main__')"
    words = ["repro", "--profile", "smoke", "--reports", str(tmp_path)]
    command = [sys.executable, "-c", full + module, *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    (line,) = ended.stderr.splitlines()
    assert (ended.returncode, line[:7]) == (1, "error: ")


SEEDS = (3, 10, 15)
"""The disk of the trials, the staged code and the certificate, after some trials."""
