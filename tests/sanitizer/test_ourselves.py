"""This project's own tests with its own pytest plugin: a part of them here, all of them by `nox -s watched`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
FAST = (
    "async_tools/test_run_sync.py",
    "async_tools/test_to_sync.py",
    "async_tools/test_loop_local.py",
    "async_tools/test_persistent_loop.py",
    "experiment/test_fixes.py",
)
"""Tests that make loops and threads by the dozen, in this process."""


def test_a_part_of_this_suite_passes_with_the_plugin_without_a_finding(tmp_path: Path) -> None:
    findings = tmp_path / "findings.json"
    plugin = ("-p", "no:event_loops", "-p", "diagnostics.pytest_plugin", "--event-loops=error")
    options = ("--event-loops-json", str(findings), "--event-loops-suppress", str(TESTS / "on_purpose.txt"))
    suite = ("-q", "-n0", "-p", "no:cacheprovider", *(str(TESTS / name) for name in FAST))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, *options, *suite],
        cwd=TESTS.parent,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert json.loads(findings.read_text())["findings"] == []
