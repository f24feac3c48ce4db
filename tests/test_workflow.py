"""Every workflow pins its actions and may only read, or deploy the site; `repro.yml` runs each environment."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics.lab.matrix_file import load_matrix

ROOT = Path(__file__).parent.parent
WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}
WORKFLOW = WORKFLOWS["repro.yml"]
MOST_JOBS = 256
"""Of one matrix; documented by GitHub."""
READ = "      contents: read\n"
DEPLOY = "      id-token: write # proves to Pages which workflow deploys\n      pages: write # deploys\n"


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_every_action_is_pinned_by_a_commit_and_says_which_release_that_is(name: str) -> None:
    used = re.findall(r"uses: (.+)", WORKFLOWS[name])
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


@pytest.mark.parametrize("name", sorted(WORKFLOWS))
def test_it_may_do_nothing_but_read_or_deploy_the_site(name: str) -> None:
    workflow = WORKFLOWS[name]
    assert "\npermissions: {}\n" in workflow
    asked = re.findall(r"^ +permissions:\n((?: {6}.+\n)+)", workflow, re.MULTILINE)
    jobs = workflow.count("runs-on:")
    assert asked == ([READ, DEPLOY] if name == "docs.yml" else [READ] * jobs)
    assert len(asked) == jobs


@pytest.mark.skipif(shutil.which("jq") is None, reason="the workflow's own filter needs jq")
def test_nox_tells_it_every_environment() -> None:
    (command,) = re.findall(r"python (-m nox --list .+?) \| jq", WORKFLOW)
    (asked,) = re.findall(r"jq -c '(.+?)'\)", WORKFLOW, re.DOTALL)
    listed = subprocess.run([sys.executable, *command.split()], cwd=ROOT, capture_output=True, check=True)
    found = json.loads(subprocess.run(["jq", "-c", asked], input=listed.stdout, capture_output=True, check=True).stdout)
    matrix = load_matrix(ROOT / "pyproject.toml")
    assert len(found) == len({each["session"] for each in found}) == len(matrix) <= MOST_JOBS
    assert sorted(each["python"] for each in found) == sorted(combination.python for combination in matrix)
