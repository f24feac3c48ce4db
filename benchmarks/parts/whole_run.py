"""The default run as a person starts it, with everything cached: how long, and how much of it is trials."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Bench, Figure

_ARGUMENTS = ("-m", "diagnostics", "repro", "--offline", "--reports")


def measure(bench: Bench) -> list[Figure]:
    """Runs it once to fill the caches and once to measure; a small scale runs the smoke profile."""
    profile = "default" if bench.scale >= 1 else "smoke"
    with tempfile.TemporaryDirectory() as reports:
        for what in ("filling the caches", "measuring"):
            bench.say(f"the {profile} profile, {what}")
            arguments = (
                list(_ARGUMENTS) if what == "measuring" else [part for part in _ARGUMENTS if part != "--offline"]
            )
            subprocess.run(
                [sys.executable, *arguments, reports, "--profile", profile],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        about = json.loads(Path(reports, "latest", "run.json").read_text())
        trials = len(Path(reports, "latest", "trials.jsonl").read_text().splitlines())
    return [
        Figure(f"the {profile} run, {trials:,} trials", f"{about['seconds']:.0f} s", goal="under 180 s on 2 cores"),
        Figure(
            "of it with a trial in flight",
            f"{about['trial_seconds']:.0f} s",
            about["trial_seconds"] / about["seconds"],
            "the whole run",
            "at least 0.80",
        ),
    ]
