"""README says what is so: its tables are those of the code and of the sample run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from diagnostics.cli import COMMANDS
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.cell import BASELINE

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_there(name: str) -> None:
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("name", [name for name in FIXES if name != BASELINE])
def test_every_fix_is_there_with_its_trade_off(name: str) -> None:
    assert f"| `{name}` | {FIXES[name].trade_off} |" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str) -> None:
    assert re.search(rf"(python -m diagnostics|nox -s) {name}\b", README)


@pytest.mark.parametrize("run", ["classifier", "none"])
def test_the_runs_of_the_pipeline_are_those_that_are_kept(run: str) -> None:
    kept = (ROOT / "reports" / "jets" / f"{run}.txt").read_text(encoding="utf-8")

    assert kept.strip() in README


def test_the_table_is_that_of_the_sample_run() -> None:
    sample = (ROOT / "reports" / "sample" / "report.md").read_text(encoding="utf-8")
    shown = README.partition("<!-- the table of reports/sample/report.md -->")[2].partition(
        "<!-- end of the table -->"
    )[0]
    rows = shown.strip().splitlines()

    assert len(rows) > len(FIXES)
    assert shown.strip() in sample
