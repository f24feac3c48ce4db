"""Every finding and every fix has a page, with code; a name that there is not is one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from diagnostics.experiment.fixes import FIXES
from diagnostics.explain import EXAMPLES, OTHERWISE, page
from diagnostics.model.cell import BASELINE
from diagnostics.model.cures import RANKING, cures
from diagnostics.model.words import FINDING_KINDS


def explain(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnostics", "explain", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", [*FINDING_KINDS, *FIXES])
def test_every_name_has_a_page_that_fits_eighty_columns(name: str) -> None:
    text = page(name)
    assert text is not None
    assert text.startswith(name)
    prose = [line for line in text.splitlines() if not line.startswith("    ")]
    assert all(len(line) <= 80 for line in prose)


def test_every_kind_has_either_fixes_or_a_sentence() -> None:
    assert all(bool(cures(kind)) != (kind in OTHERWISE) for kind in FINDING_KINDS)


def test_fixes_are_ranked_and_cures_are_in_that_order() -> None:
    assert {*RANKING} <= {*FIXES} - {BASELINE}
    for kind in FINDING_KINDS:
        assert list(cures(kind)) == [fix for fix in RANKING if fix in cures(kind)]


def test_every_fix_of_the_ranking_has_an_example() -> None:
    names = {path.stem.replace("_", "-") for path in EXAMPLES.glob("*.py")} - {"llm"}
    assert names == {*RANKING, BASELINE, "loop-id-cache", "weak-key-cache"}


def test_the_command_prints_the_page_and_names_what_was_meant() -> None:
    assert "async with AsyncOpenAI() as client" in explain("context-manager").stdout
    done = explain("cross-loop-us")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: unknown kind or fix 'cross-loop-us' (did you mean 'cross-loop-use'?)\n")
    assert "cross-loop-use" in explain().stdout


def test_more_than_one_name_is_one_line() -> None:
    done = explain("runner", "single-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: one kind or fix at a time, not runner single-run\n")
