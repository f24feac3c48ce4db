"""Programs rebuilt from public reports get the right answer, and their repaired twins get none.

`reports/answers.toml` has the answers, which were written before the first run. The programs of the first environment
run with all tests; `EVERY_REPORT=1 python -m pytest tests/sanitizer/test_reports.py` runs those of the others too.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
import textwrap
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
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
IMPORTS = (ast.Import, ast.ImportFrom)
CREATES = re.compile(r"(Client|Session|OpenAI|Anthropic|Groq|Mistral)\w*$")
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
        for each, text in files_of(name, wanted).items():
            tmp_path.joinpath(each).write_text(text)
        file = tmp_path / f"test_{name}.py"
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
    assert wrong_with(ANSWERS[name], ran.document, files_of(name, "wrong")) == [], ran.errors


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
    """The file of a program that has one: see `files_of`."""
    (text,) = files_of(name, wanted, folder).values()
    return text


def files_of(name: str, wanted: str, folder: Path = FOLDER) -> dict[str, str]:
    """The files of the wrong program or the repaired one; lines of the other one are empty, so that numbers stay."""
    file, part = f"test_{name}.py", "both"
    files: dict[str, list[str]] = {}
    for line in (folder / f"{name}.txt").read_text().splitlines():
        mark, _, rest = line.partition(" ")[2].partition(" ") if line.startswith(("# ----", "# ====")) else ("", "", "")
        if mark == "====":
            file, part = (f"test_{name}.py" if rest == "main" else rest), "both"
        part = rest if mark == "----" else part
        files.setdefault(file, []).append(line if part in ("both", wanted) and mark != "====" else "")
    return {each: "\n".join(lines) + "\n" for each, lines in files.items()}


def wrong_with(answer: dict[str, Any], document: dict[str, Any], files: dict[str, str]) -> list[str]:
    """What a report of `run` gets wrong, in words; empty where all is right."""
    right = [each for each in document["findings"] if each["kind"] in answer["kind"]]
    if not right:
        return [f"kind: {[each['kind'] for each in document['findings']]}"]
    found = []
    texts = {name: text.splitlines() for name, text in files.items()}
    made = {(name, at) for name, text in texts.items() for at, line in enumerate(text, 1) if line.endswith("# MADE")}
    clients = [each["client"] for each in right if each["client"]]
    lines = {(Path(site["file"]).name, site["line"]) for each in clients for site in _sites(each)}
    if made and not lines & made:
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
    found += [f"unknown where it goes: {each}" for advice in cause["advice"] for each in unknown(advice, files)]
    also = {each["component"] for finding in right for each in finding["fault"].get("also", [])}
    if not {*answer.get("also", [])} <= also:
        found.append(f"also: {also}")
    return found


def unknown(advice: dict[str, Any], files: dict[str, str]) -> set[str]:
    """The names that what creates a client takes, in code of advice, and that are unknown where that code goes."""
    where = advice["where"]
    if where is not None and Path(where["file"]).name not in files:  # a cell of a notebook
        return set()
    try:
        code = ast.parse(f"async def code():\n{textwrap.indent(advice['code'] or '...', '    ')}")
    except SyntaxError:  # a part of a statement, such as a decorator, makes no client
        return set()
    functions = [each for each in ast.walk(code) if isinstance(each, FUNCTIONS)]
    own = {each.id for each in ast.walk(code) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    own |= {each.arg for each in ast.walk(code) if isinstance(each, ast.arg)} | {each.name for each in functions}
    own |= {each.asname or each.name for node in ast.walk(code) if isinstance(node, IMPORTS) for each in node.names}
    trees = [ast.parse(text) for text in files.values()]
    known = {name for tree in trees for name in _defined(tree)}
    heads = {each.name for each in functions} | {*re.findall(r"in `(\w+)`", advice["text"])}
    for around in (each for tree in trees for each in ast.walk(tree) if isinstance(each, FUNCTIONS)):
        if any(isinstance(each, FUNCTIONS) and each.name in heads for each in ast.walk(around)):
            known |= {*_defined(around)} | {each.arg for each in ast.walk(around.args) if isinstance(each, ast.arg)}
    calls = [each for each in ast.walk(code) if isinstance(each, ast.Call) and CREATES.search(ast.unparse(each.func))]
    taken = {each.id for call in calls for each in ast.walk(call) if isinstance(each, ast.Name)}
    return taken - own - known - {*dir(builtins)}


def _defined(scope: ast.AST) -> Iterator[str]:
    """The names that code defines, but for those inside its functions and classes."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield node.name
            continue
        if isinstance(node, IMPORTS):
            yield from (each.asname or each.name.partition(".")[0] for each in node.names)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        yield from _defined(node)


def _sites(client: dict[str, Any]) -> list[dict[str, Any]]:
    return [site for site in (client["created_at"], (client["held_by"] or {}).get("site")) if site]
