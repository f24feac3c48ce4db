"""Mistakes with other libraries of asyncio get the right answer, and their repaired twins get none.

`libraries/answers.toml` has the answers, which were written before the first run. Those that need PostgreSQL, Redis or
nothing, and no other environment, run with all tests; `EVERY_PAIR=1 python -m pytest tests/sanitizer/test_libraries.py`
runs all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tomllib

from tests.sanitizer.test_reports import program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sanitizer.conftest import Ran

FOLDER = Path(__file__).with_name("libraries")
ANSWERS = {each["file"]: each for each in tomllib.loads((FOLDER / "answers.toml").read_text())["program"]}
FIRST = "neighbours"
CHOSEN = [name for name, each in ANSWERS.items() if "EVERY_PAIR" in os.environ or each["environment"] == FIRST]
KEYS = {*("file", "environment", "names", "pytest", "hangs", "kind", "blind", "type", "any", "never", "first", "since")}
OWN = {"POSTGRESQL": "postgresql_url", "REDIS": "redis_url"}


@pytest.fixture(scope="session")
def stand_ins(interpreter: Callable[[str], Path]) -> Iterator[dict[str, str]]:
    """The addresses of the other servers, by the variable that has them."""
    command = [interpreter("libraries"), Path(__file__).with_name("libraries") / "programs/stand_ins.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.communicate()


@pytest.fixture
def run_library(
    run: Callable[..., Ran], request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[dict[str, Any], str], Ran]:
    """Runs a program, wrong or repaired, under the sanitizer."""

    def run_program(answer: dict[str, Any], wanted: str) -> Ran:
        more = {}
        for name in answer.get("names", ()):
            more[name] = request.getfixturevalue(OWN.get(name, "stand_ins"))
            if name not in OWN:
                if name not in more[name]:
                    pytest.skip(f"this machine has no server for {name}")
                more[name] = more[name][name]
        file = tmp_path / f"test_{answer['file']}.py"
        file.write_text(program(answer["file"], wanted, FOLDER))
        tests = bool(answer.get("pytest"))
        words = ("pytest", "-q", "-p", "no:cacheprovider", str(file)) if tests else (str(file),)
        options = ("--timeout", "20") if answer.get("hangs") and wanted == "wrong" else ()
        return run(answer["environment"], *words, module=tests, more=more, options=options)

    return run_program


@pytest.mark.environment
@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_a_mistake_gets_the_right_answer(run_library: Callable[..., Ran], name: str) -> None:
    answer = ANSWERS[name]
    if [*sys.version_info[:2]] < answer.get("since", []):
        pytest.skip("seen from Python 3.12")
    ran = run_library(answer, "wrong")
    assert ran.document is not None, ran.errors
    if "blind" in answer:
        assert any(each.startswith(answer["blind"]) for each in ran.document["cannot_tell"]), ran.errors
        return
    assert wrong_with(answer, ran.document, program(name, "wrong", FOLDER)) == [], ran.errors


@pytest.mark.environment
@pytest.mark.slow
@pytest.mark.parametrize("name", CHOSEN)
def test_its_twin_gets_no_error_and_no_leak(run_library: Callable[..., Ran], name: str) -> None:
    ran = run_library(ANSWERS[name], "repaired")
    assert [each for each in ran.findings if each["severity"] != "note"] == [], ran.errors
    assert ran.status == 0, ran.errors


def test_every_program_has_an_answer() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == {*ANSWERS}
    assert all(answer.keys() <= KEYS for answer in ANSWERS.values())


def wrong_with(answer: dict[str, Any], document: dict[str, Any], text: str) -> list[str]:
    """What a report of `run` gets wrong, in words; empty where all is right."""
    right = [each for each in document["findings"] if each["kind"] in answer["kind"]]
    if not right:
        return [f"kind: {[each['kind'] for each in document['findings']]}"]
    found = []
    clients = [each["client"] for each in right if each["client"]]
    made = {number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# MADE")}
    sites = [site for each in clients for site in (each["created_at"], (each["held_by"] or {}).get("site")) if site]
    if made and not made & {site["line"] for site in sites}:
        found.append(f"line: {[site['line'] for site in sites]}")
    if "type" in answer and not any(each["type"].endswith(name) for each in clients for name in answer["type"]):
        found.append(f"type: {[each['type'] for each in clients]}")
    faults = {each["fault"]["component"] for each in right}
    if faults != {"user"}:
        found.append(f"fault: {faults}")
    errors = [each for each in document["root_causes"] if each["severity"] == "error"]
    if len(errors) > 1:
        found.append(f"root causes: {[each['title'] for each in errors]}")
    cause = next(each for each in document["root_causes"] if {*each["findings"]} & {one["id"] for one in right})
    advice = [f"{each['text']}\n{each['code']}" for each in cause["advice"]] or [""]
    if not any(each in advice[0] for each in answer["any"]):
        found.append(f"advice: {advice[0]}")
    found += [f"advice has: {each}" for each in answer.get("never", ()) if each in "\n".join(advice)]
    return found
