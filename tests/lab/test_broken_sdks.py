"""Whole runs over packages that hang, die, eat memory, flood, or take their worker with them: each its own outcome."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics.runs.reader import stored_trials
from tests.lab.environments.conftest import wheel

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs limits on memory")

ROOT = Path(__file__).parents[2]
SDKS = ROOT / "tests" / "worker" / "broken_sdks"
# As which release the package is installed; the status and the symptom of every trial with it, and a word of why.
RELEASES = {
    "hangs": ("1.0", "ran", "hang", "did not end in time"),
    "segfaults": ("2.0", "ran", "crash", "SIGSEGV"),
    "eats_memory": ("3.0", "unrelated", None, "MemoryError"),
    "floods": ("4.0", "ran", "logged", "characters …]"),
    "kills_the_worker": ("5.0", "broken", None, "workers ended while this trial ran"),
    "cannot_be_imported": ("6.0", "incompatible", None, "libfoo.so.3"),
}


def test_each_is_its_own_outcome_and_stops_nothing_else(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "well-behaved", "1.0", code=(SDKS / "common" / "well_behaved.py").read_text(encoding="utf-8"))
    for name, (version, *_) in RELEASES.items():
        code = (SDKS / name / "openai" / "__init__.py").read_text(encoding="utf-8")
        wheel(wheels, "openai", version, "well-behaved", code=code)
    matrix = tmp_path / "pyproject.toml"
    versions = [version for version, *_ in RELEASES.values()]
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    matrix.write_text(f'[tool.diagnostics.matrix]\npython = ["{here}"]\nopenai = {versions}\n', encoding="utf-8")
    variables = {
        "UV_FIND_LINKS": str(wheels),
        "UV_NO_INDEX": "1",
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "DIAGNOSTICS_CACHE": str(tmp_path / "cache"),
    }
    asked = ["--provider", "openai", "--scenario", "repeated-run", "--fix", "context-manager", "--timeout", "2"]
    small = ["--trials", "1", "--runs", "1", "--calls", "1", "--concurrency", "1", "--instrument", "off"]
    where = ["--matrix", str(matrix), "--reports", str(tmp_path / "reports")]
    ran = subprocess.run(
        [sys.executable, "-m", "diagnostics", "repro", *where, *asked, *small],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr

    found: dict[str, list[tuple[str, str | None, str]]] = {}
    for trial in stored_trials(tmp_path / "reports" / "latest"):
        version = trial.environment.packages["openai"]
        found.setdefault(version, []).append((trial.status, trial.symptom, trial.evidence or trial.reason or ""))
    assert {version: len(trials) for version, trials in found.items()} == dict.fromkeys(versions, 2)
    for version, status, symptom, word in RELEASES.values():
        for *outcome, why in found[version]:
            assert outcome == [status, symptom], why
            assert word in why
