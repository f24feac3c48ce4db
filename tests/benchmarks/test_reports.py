"""The bench of the reports renders every row of the table, from a folder that is a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.parts import PARTS, reports
from benchmarks.parts.reports import write_run
from diagnostics.report.formats.registry import FORMATS
from diagnostics.runs.reader import read_run


def test_every_format_is_measured(tmp_path: Path) -> None:
    write_run(tmp_path / "run", 60)
    assert len(read_run(tmp_path / "run").trials) == 60
    command = [sys.executable, "-m", reports.__name__, str(tmp_path / "run")]
    took = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)
    assert set(FORMATS) <= set(took["seconds"])
    assert took["peak"] > 0
    assert "reports" in PARTS
