"""The shell commands of the recipe that comments a patch, with a stub of `gh`."""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs/guides/fix-it-for-me.md"
PATCH = "--- a/app.py\n+++ b/app.py\n@@ -1,3 +1,3 @@\n-one\n+two\n ~~~~~~\n ```\n"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are for bash")


def script() -> str:
    """The commands of the last step."""
    step = GUIDE.read_text(encoding="utf-8").rpartition("- run: |\n")[2].partition("        env:\n")[0]
    return textwrap.dedent(step)


def ran(folder: Path, gh: str, patch: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Runs them as GitHub does; returns how they ended, and the summary of the job."""
    work, tools = folder / "work", folder / "bin"
    work.mkdir()
    tools.mkdir()
    (tools / "gh").write_text(f"#!/bin/sh\n{gh}\n", encoding="utf-8")
    (tools / "gh").chmod(0o755)
    (work / "app.py").write_text("one\n~~~~~~\n```\n", encoding="utf-8")
    for words in (["init", "-q"], ["add", "app.py"]):
        subprocess.run(["git", *words], cwd=work, check=True)
    (work / "fix.patch").write_text(patch, encoding="utf-8")
    (work / "proof.txt").write_text("found: ~~~ one\nproven\n", encoding="utf-8")
    variables = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "NUMBER": "7"}
    variables |= {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "SEEN": str(folder / "seen")}
    words = ["bash", "-e", "-c", script()]
    done = subprocess.run(words, cwd=work, env=variables, capture_output=True, text=True, check=False)
    return done, (folder / "summary.md").read_text(encoding="utf-8")


def test_the_comment_has_the_patch_and_the_proof_in_fences_that_nothing_inside_ends(tmp_path: Path) -> None:
    done, summary = ran(tmp_path, 'echo "$@" > "$SEEN"; cat "$5" >> "$SEEN"', PATCH)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    said, _, comment = (tmp_path / "seen").read_text(encoding="utf-8").partition("\n")
    assert said == "pr comment 7 --body-file comment.md"
    assert comment == summary
    lines = comment.splitlines()
    assert (lines[0], lines[-1]) == ("~~~~~~~diff", "~~~~~~~")
    assert [each for each in lines if each.startswith("~~~~~~~")] == [
        "~~~~~~~diff",
        "~~~~~~~",
        "~~~~~~~text",
        "~~~~~~~",
    ]
    assert {"-one", "+two", " ~~~~~~", "proven"} <= {*lines}


def test_a_token_that_can_only_read_leaves_the_patch_in_the_summary(tmp_path: Path) -> None:
    refused = "echo 'GraphQL: Resource not accessible by integration (addComment)' >&2; exit 1"
    done, summary = ran(tmp_path, refused, PATCH)
    assert done.returncode == 0
    assert done.stdout.startswith("::notice::The token of this run cannot comment")
    assert "+two\n" in summary


def test_without_a_patch_nothing_is_commented_and_the_summary_says_why(tmp_path: Path) -> None:
    done, summary = ran(tmp_path, 'echo called > "$SEEN"', "")
    assert (done.returncode, (tmp_path / "seen").exists()) == (0, False)
    assert "found: ~~~ one" in summary
