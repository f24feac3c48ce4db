"""The session that the guide of `fix` shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- example: the (\w+) -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = dict(BLOCK.findall((ROOT / "docs/guides/fix-it-for-me.md").read_text(encoding="utf-8")))


@pytest.mark.environment
def test_the_session_of_the_guide_is_what_happens(tmp_path: Path) -> None:
    folder = tmp_path / "chat"
    folder.mkdir()
    (folder / "app.py").write_text(SHOWN["program"], encoding="utf-8")
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "diagnostics", "fix", "--yes", "--trials", "2", "app.py"]
    ran = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, SHOWN["patch"]), ran.stderr
    shown, printed = SHOWN["proof"].splitlines(), ran.stderr.splitlines()
    same = [line for line in shown if line.startswith(("fix: ", "  root causes: ", "proven"))]
    assert len(same) == 3
    assert [line for line in same if line not in printed] == []
