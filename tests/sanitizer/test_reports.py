"""Programs rebuilt from public reports get the right answer, and their repaired twins get none.

`reports/answers.toml` has the answers, which were written before the first run. The programs of the first environment
run with all tests; `EVERY_REPORT=1 python -m pytest tests/sanitizer/test_reports.py` runs those of the others too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.model.words import FINDING_KINDS
from tests.sanitizer.conftest import REPORTS
from tests.sanitizer.service import service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sanitizer.conftest import Ran

FOLDER = Path(__file__).with_name("reports")
ANSWERS = {answer["file"]: answer for answer in REPORTS["program"]}
TYPES = (
    *("script with one run", "script with several runs", "server", "test", "notebook", "task queue"),
    *("serverless handler", "thread bridge", "loop in a thread", "library"),
)
FIRST = "reports"
EVERY = "EVERY_REPORT" in os.environ
CHOSEN = [name for name, answer in ANSWERS.items() if EVERY or answer.get("environment", FIRST) == FIRST]
ANSWER_KEYS = {
    *("file", "type_of_program", "report", "environment", "pytest", "first"),
    *("kind", "fault", "loop", "advice", "never", "code", "type", "also"),
}
KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY")


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The service that the programs talk to."""
    with service() as found:
        yield found


@pytest.fixture
def run_report(run: Callable[..., Ran], address: str, tmp_path: Path) -> Callable[[str, str], Ran]:
    """Runs a program of a report, wrong or repaired, under the sanitizer."""

    def run_program(name: str, wanted: str) -> Ran:
        answer = ANSWERS[name]
        file = tmp_path / f"test_{name}.py"
        file.write_text(program(name, wanted))
        urls = {"SERVICE": address, "OPENAI_BASE_URL": f"{address}/v1", "ANTHROPIC_BASE_URL": address}
        words = ("pytest", "-q", "-p", "no:cacheprovider", str(file)) if answer.get("pytest") else (str(file),)
        more = {**urls, **dict.fromkeys(KEYS, "none")}
        return run(answer.get("environment", FIRST), *words, module=bool(answer.get("pytest")), more=more)

    return run_program


@pytest.mark.environment
@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_a_report_gets_the_right_answer(run_report: Callable[[str, str], Ran], name: str) -> None:
    ran = run_report(name, "wrong")
    assert ran.document is not None, ran.errors
    assert wrong_with(ANSWERS[name], ran.document, program(name, "wrong")) == [], ran.errors


@pytest.mark.environment
@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_the_repaired_program_gets_no_error_and_no_leak(run_report: Callable[[str, str], Ran], name: str) -> None:
    ran = run_report(name, "repaired")
    assert [finding for finding in ran.findings if finding["severity"] != "note"] == [], ran.errors
    assert ran.status == 0, ran.errors


def test_every_program_has_an_answer_and_every_answer_a_program() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {*ANSWERS}
    assert all(answer.keys() <= ANSWER_KEYS for answer in ANSWERS.values())
    assert sum("report" in answer for answer in ANSWERS.values()) >= 24


def test_the_advised_change_is_tried_for_every_kind_and_every_type_of_program() -> None:
    assert {kind for answer in ANSWERS.values() for kind in answer["kind"]} == {*FINDING_KINDS}
    assert {answer["type_of_program"] for answer in ANSWERS.values()} == {*TYPES}


def program(name: str, wanted: str, folder: Path = FOLDER) -> str:
    """The wrong program or the repaired one; lines of the other one are empty, so that numbers stay."""
    part, lines = "both", []
    for line in (folder / f"{name}.txt").read_text().splitlines():
        part = line.removeprefix("# ---- ") if line.startswith("# ---- ") else part
        lines.append(line if part in ("both", wanted) else "")
    return "\n".join(lines) + "\n"


def wrong_with(answer: dict[str, Any], document: dict[str, Any], text: str) -> list[str]:
    """What a report of `run` gets wrong, in words; empty where all is right."""
    right = [each for each in document["findings"] if each["kind"] in answer["kind"]]
    if not right:
        return [f"kind: {[each['kind'] for each in document['findings']]}"]
    found = []
    made = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# MADE")]
    clients = [each["client"] for each in right if each["client"]]
    lines = {site["line"] for each in clients for site in _sites(each)}
    if made and not lines & {*made}:
        found.append(f"line: {lines}")
    faults = {each["fault"]["component"] for each in right}
    if faults != {answer.get("fault", "user")}:
        found.append(f"fault: {faults}")
    loops = {str((each["loop"] or {}).get("created_by")) for each in right}
    if not any(answer["loop"] in each for each in loops):
        found.append(f"loop: {loops}")
    if "type" in answer and not all(each["type"].endswith(answer["type"]) for each in clients):
        found.append(f"type: {[each['type'] for each in clients]}")
    cause = next(each for each in document["root_causes"] if {*each["findings"]} & {one["id"] for one in right})
    first = cause["advice"][0]["text"] if cause["advice"] else ""
    if not any(each in first for each in answer["advice"]):
        found.append(f"advice: {first}")
    code = cause["advice"][0]["code"] if cause["advice"] else ""
    found += [f"code lacks: {each}" for each in answer.get("code", []) if each not in code]
    every = "\n".join(f"{each['text']}\n{each['code']}" for each in cause["advice"])
    found += [f"advice has: {each}" for each in answer.get("never", []) if each in every]
    also = {each["component"] for finding in right for each in finding["fault"].get("also", [])}
    if not {*answer.get("also", [])} <= also:
        found.append(f"also: {also}")
    return found


def _sites(client: dict[str, Any]) -> list[dict[str, Any]]:
    return [site for site in (client["created_at"], (client["held_by"] or {}).get("site")) if site]
