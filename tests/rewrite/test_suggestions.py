"""The advice of `run` as a patch, in its reports for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from diagnostics.rewrite.run import suggest
from diagnostics.sanitizer.output.formats.changes import NoChanges

PROGRAM = """\
import asyncio

import httpx2


async def answer(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nhi")


async def main():
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
        await ask(url)


async def ask(url):
    client = httpx2.AsyncClient(base_url=url)
    print((await client.get("/")).text)  # a comment


asyncio.run(main())
"""
FIXED = PROGRAM.replace("    client = ", "    async with ").replace(
    "=url)\n    print", "=url) as client:\n        print"
)
UNKNOWN = """\
import asyncio

loop = asyncio.new_event_loop()
loop.close()
try:
    loop.call_soon(print)
except RuntimeError:
    print("caught")
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "app.py"
    file.write_text(PROGRAM, encoding="utf-8")
    return file


def run(program: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnostics", "run", "--output", "-", *options, program.name]
    return subprocess.run(command, cwd=program.parent, capture_output=True, text=True, check=False)


def report(program: Path, *options: str) -> str:
    done = run(program, *options)
    assert done.stdout.startswith("hi\n") or "caught" in done.stdout, done.stderr
    return done.stdout.partition("\n")[2]


def test_git_applies_the_patch_of_a_line_of_json(program: Path) -> None:
    cause = json.loads(report(program, "--format", "jsonl").splitlines()[0])

    command = ["git", "apply", "--unsafe-paths", "-"]
    subprocess.run(command, cwd=program.parent, input=cause["patch"], text=True, check=True)
    assert program.read_text(encoding="utf-8") == FIXED


def test_an_editor_can_apply_the_fix_of_the_log(program: Path) -> None:
    (result,) = json.loads(report(program, "--format", "sarif"))["runs"][0]["results"]

    ((changed,),) = (fix["artifactChanges"] for fix in result["fixes"])
    assert changed["artifactLocation"]["uri"] == "app.py"
    assert replaced(PROGRAM, changed["replacements"]) == FIXED


def replaced(text: str, replacements: list[dict[str, Any]]) -> str:
    lines = text.splitlines(keepends=True)
    for each in reversed(replacements):
        region = each["deletedRegion"]
        lines[region["startLine"] - 1 : region["endLine"] - 1] = [each["insertedContent"]["text"]]
    return "".join(lines)


def test_an_annotation_shows_the_patch(program: Path) -> None:
    assert "%0A+    async with httpx2.AsyncClient(" in report(program, "--format", "github")


def test_text_names_the_command_that_proves_it(program: Path) -> None:
    assert f"fix {program.name}\n" in report(program)


def test_no_patch_is_made_up(program: Path) -> None:
    program.write_text(UNKNOWN, encoding="utf-8")

    assert "patch" not in json.loads(report(program, "--format", "jsonl").splitlines()[0])


def test_where_no_patch_is_looked_for_one_line_says_so(program: Path) -> None:
    done = run(program, "--format", "jsonl", "--python", sys.executable)
    assert "patch" not in json.loads(done.stdout.splitlines()[1])
    assert "without --python" in json.loads(done.stdout.splitlines()[-1])["no_patch"]
    (line,) = done.stderr.splitlines()
    assert line.startswith(
        "diagnostics: no patch in the report: `run` makes one without --python only; to make the change and"
    )
    assert run(program, "--format", "jsonl", "--python", sys.executable, "--quiet").stderr == ""

    (program.parent / "large.py").write_text(f"{'# ' * 250_000}\n", encoding="utf-8")
    assert "hold more than 500 kB; to make the change" in run(program, "--format", "jsonl").stderr


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diagnostics.rewrite.suggestions", None)
    with pytest.raises(NoChanges, match=r"is missing: .*\[fix\]"):
        suggest({})


def test_a_patch_that_would_show_a_secret_is_left_out(program: Path) -> None:
    text = PROGRAM.replace("# a comment", '# api_key="sk-proj-Zk3v9Qm27XbT4nLw8RyC"')
    program.write_text(text, encoding="utf-8")

    assert "patch" not in json.loads(report(program, "--format", "jsonl").splitlines()[0])
