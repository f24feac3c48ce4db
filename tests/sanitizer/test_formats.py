"""What `run` prints for programs, where it prints, and what it ignores."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.sanitizer.process.options import environment, project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sanitizer.conftest import Ran

PROGRAM = """\
import asyncio
loop = asyncio.new_event_loop()
loop.close()
try:
    loop.call_soon(print)
except RuntimeError:
    print("caught")
"""


@pytest.fixture
def ran(run: Callable[..., Ran], tmp_path: Path) -> Callable[..., Ran]:
    def start(*options: str, text: str = PROGRAM) -> Ran:
        file = tmp_path / "program.py"
        file.write_text(text)
        return run("none", file, options=options)

    return start


def test_jsonl_has_a_line_for_each_root_cause_and_one_for_the_run(ran: Callable[..., Ran]) -> None:
    cause, whole = map(json.loads, ran("--format", "jsonl").errors.split("\n")[1:-1])

    assert {name: cause[name] for name in ("type", "kind", "severity", "line", "fault")} == {
        "type": "root_cause",
        "kind": "use-after-loop-close",
        "severity": "error",
        "line": 5,
        "fault": "user",
    }
    assert cause["code"] == "loop.call_soon(print)"
    assert all(each["text"] for each in cause["advice"])
    assert (whole["type"], whole["errors"], whole["exit_code"]) == ("run", 1, 0)


def test_github_annotates_the_line(ran: Callable[..., Ran]) -> None:
    (line,) = ran("--format", "github").errors.split("\n")[1:-1]

    start, _, message = line.partition("::")[2].partition("::")
    properties = dict(pair.split("=", 1) for pair in start.removeprefix("error ").split(","))
    assert start.startswith("error ")
    assert properties["file"].endswith("program.py")
    assert (properties["line"], properties["title"]) == ("5", "use-after-loop-close")
    assert "%0Ahelp: " in message


@pytest.mark.parametrize("name", ["jsonl", "github"])
def test_a_line_for_a_machine_continues_none_of_the_program(ran: Callable[..., Ran], name: str) -> None:
    half = "import sys\nsys.stderr.write('half a line')\n"
    start = "{" if name == "jsonl" else "::"
    first, *rest = ran("--format", name, text=half + PROGRAM).errors.splitlines()
    assert first == "half a line"
    assert rest
    assert all(line.startswith(start) for line in rest)


def test_sarif_names_rule_level_and_region(ran: Callable[..., Ran], tmp_path: Path) -> None:
    file = tmp_path / "log.sarif"
    result = ran("--format", "sarif", "--output", str(file))

    assert result.errors == ""
    log = json.loads(file.read_text())
    (one,) = log["runs"][0]["results"]
    region = one["locations"][0]["physicalLocation"]["region"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]] == [one["ruleId"]]
    assert (one["ruleId"], one["level"], region["startLine"]) == ("use-after-loop-close", "error", 5)
    assert "startColumn" in region or sys.version_info < (3, 11)


@pytest.mark.parametrize("name", ["jsonl", "github", "sarif"])
def test_a_clean_run_has_no_result(ran: Callable[..., Ran], name: str) -> None:
    result = ran("--format", name, text="import asyncio\nasyncio.run(asyncio.sleep(0))\n")

    assert result.status == 0
    assert "error" not in result.errors.replace('"errors":0', "")


def test_a_report_in_a_file_has_no_colours_unless_they_are_wanted(ran: Callable[..., Ran], tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    ran("--output", str(file))
    assert "error[use-after-loop-close]: " in file.read_text()

    ran("--output", str(file), "--color", "always")
    assert "\x1b[1;31merror[use-after-loop-close]\x1b[0m" in file.read_text()


def test_quiet_prints_root_causes_only(ran: Callable[..., Ran]) -> None:
    assert ran("--quiet", text="import asyncio\nasyncio.run(asyncio.sleep(0))\n").errors == ""
    assert "error[use-after-loop-close]: " in ran("--quiet").errors


@pytest.mark.parametrize(
    ("comment", "status"),
    [
        ("# event-loops: ignore", 0),
        ("# event-loops: ignore[use-after-loop-close]", 0),
        ("# noqa  # event-loops:ignore[stuck-waiter, use-after-loop-close]", 0),
        ("# event-loops: ignore[stuck-waiter]", 66),
        ("# ignore", 66),
    ],
)
def test_a_comment_on_the_line_ignores_the_finding(ran: Callable[..., Ran], comment: str, status: int) -> None:
    result = ran(text=PROGRAM.replace("call_soon(print)", f"call_soon(print)  {comment}"))

    assert result.status == status
    assert bool(result.findings) == bool(status)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python cannot read TOML")
@pytest.mark.parametrize(
    ("table", "options", "status", "message"),
    [
        ("exit-code = 9", (), 9, "error[use"),
        ("exit_code = 9", ("--exit-code", "8"), 8, "error[use"),
        ('format = "github"\nquiet = true', (), 66, "::error "),
        ('format = "xml"', (), 2, "format is one of text, jsonl, github, sarif, not 'xml'"),
        ("colour = true", (), 2, "'colour=yes' is not one of json=…"),
        ("exit-code = ", (), 2, "cannot read [tool.event-loop-diagnostics] in"),
    ],
)
def test_options_come_from_the_project_as_well(
    ran: Callable[..., Ran], tmp_path: Path, table: str, options: tuple[str, ...], status: int, message: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.event-loop-diagnostics]\n{table}\n")
    result = ran(*options)

    assert result.status == status
    assert message in result.errors


@pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python cannot read TOML")
def test_the_nearest_project_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.event-loop-diagnostics]\nleaks = "off"\n')
    assert project(str(inner)) == {"leaks": "off"}

    (inner / "pyproject.toml").write_text("")
    assert project(str(inner)) == {}


def test_paths_of_windows_and_addresses_keep_their_colon() -> None:
    assert environment(r"json=C:\here\f.json:leaks=off:suppress=C:/there") == {
        "json": r"C:\here\f.json",
        "leaks": "off",
        "suppress": "C:/there",
    }
