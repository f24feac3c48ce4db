"""`diagnose app.py`: a program is run, its mistake is named, and the fixes are tried with its SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from diagnostics.cli import app
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.environments import PreparedEnvironment, default_cache
from diagnostics.lab.execution.workers import Target
from diagnostics.lab.session import open_session
from diagnostics.lab.target import this_interpreter
from diagnostics.model.finding import Access, ClientFacts, Fault, Finding, Hint, LoopFacts, Site
from diagnostics.model.words import FINDING_KINDS
from diagnostics.phases.plan import PhaseOptions
from diagnostics.phases.program import SCENARIO_OF, diagnose_program, run_program, worst
from diagnostics.sanitizer.analyze.recorded import Process
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.output.json_document import document

PROGRAM = """\
import asyncio, sys
loop = asyncio.new_event_loop()
loop.close()
try:
    loop.call_soon(print)
except RuntimeError:
    print(sys.argv[1:])
"""


def found(kind: str, client: str, severity: str = "error") -> dict[str, Any]:
    """The document of a program with one mistake."""
    made, used = Site("app.py", 3, "<module>", "client = AsyncOpenAI()"), Site("app.py", 7, "main", "")
    finding = Finding(
        kind=kind,
        severity=severity,
        count=1,
        message="one client is used on 2 event loops",
        client=ClientFacts("C1", client, made, (made,), 2, 2),
        loop=LoopFacts("L1", "asyncio", used, "asyncio.run", used, "asyncio.run"),
        connection=None,
        access=Access("L2", used, "connection.send", "call", (used,)),
        fault=Fault("user", made, "it uses one client on several loops"),
        hint=Hint("context-manager", "close it"),
    )
    report = group([finding], ())
    return json.loads(json.dumps(document(Process(1), report, exit_code=0, blind_spots=())))  # type: ignore[no-any-return]


def test_every_kind_has_a_scenario_of_the_lab_or_none() -> None:
    assert set(SCENARIO_OF) <= set(FINDING_KINDS)
    assert set(SCENARIO_OF.values()) <= set(SCENARIOS)


@pytest.mark.parametrize(
    ("client", "provider"),
    [
        ("openai.AsyncOpenAI", "openai"),
        ("google.genai.Client", "google-genai"),
        ("asyncpg.Pool", "asyncpg"),
        ("aiomysql.Pool", None),
    ],
)
def test_the_provider_is_that_of_the_client(client: str, provider: str | None) -> None:
    mistake = worst(found("cross-loop-use", client))

    assert mistake is not None
    assert mistake.provider == provider


@pytest.mark.environment
def test_fixes_are_tried_with_the_sdk_of_the_program(
    environment: Callable[[str], PreparedEnvironment], tmp_path: Path
) -> None:
    prepared = environment("httpx2")
    options = PhaseOptions(runs=2, calls=2, concurrency=2, trials=1)
    with open_session(Target(prepared.python, prepared.environment), cache=default_cache(), redact=str) as session:
        diagnosis = diagnose_program(found("cross-loop-use", "openai.AsyncOpenAI"), session, options, tmp_path)

    when, why, where, how = diagnosis.answers
    assert when.sentences == ("`asyncio.run`, for the loop created at `app.py:7`.",)
    assert why.sentences == ("One client is used on 2 event loops.",)
    assert where.sentences[-1] == "Your code uses one client on several loops."
    assert "`context-manager`" in how.sentences[1]
    assert f"openai {prepared.environment.packages['openai']}" in how.sentences[1]
    verdicts = {row[0]: row[1] for row in how.tables[0].rows}
    assert (verdicts["`none`"], verdicts["`context-manager`"]) == ("baseline: raised", "removes")
    assert "context-manager" in (tmp_path / "diagnosis.md").read_text(encoding="utf-8")


@pytest.mark.environment
def test_a_leak_that_no_call_notices_has_fixes_too(
    environment: Callable[[str], PreparedEnvironment], tmp_path: Path
) -> None:
    prepared, options = environment("httpx2"), PhaseOptions(runs=2, calls=2, concurrency=2, trials=1)
    leak = found("client-left-open", "openai.AsyncOpenAI", "leak")
    with open_session(Target(prepared.python, prepared.environment), cache=default_cache(), redact=str) as session:
        how = diagnose_program(leak, session, options, tmp_path).answers[-1]

    assert how.sentences[1].startswith("These fixes remove the error in `unclosed-in-coroutine`")
    assert {row[0]: row[1] for row in how.tables[0].rows}["`context-manager`"] == "removes"


def test_a_program_that_fails_for_another_reason_says_so(tmp_path: Path) -> None:
    document = {**found("cross-loop-use", "openai.AsyncOpenAI"), "findings": [], "root_causes": []}
    document["program"]["exit_code"] = 1
    with open_session(this_interpreter(), cache=tmp_path, redact=str) as session:
        (answer,) = diagnose_program(document, session, PhaseOptions(), tmp_path).answers

    assert "status 1 for another reason" in answer.sentences[-1]


def test_what_the_lab_cannot_try_gets_the_advice_alone(tmp_path: Path) -> None:
    with open_session(this_interpreter(), cache=tmp_path, redact=str) as session:
        diagnosis = diagnose_program(found("cross-loop-use", "aiomysql.Pool"), session, PhaseOptions(), tmp_path)

    assert diagnosis.answers[-1].sentences[-1] == (
        "No fix was tried: the lab has no scenario for cross-loop-use with aiomysql.Pool."
    )


def test_an_sdk_that_is_not_here_is_not_tried(tmp_path: Path) -> None:
    with open_session(this_interpreter(), cache=tmp_path, redact=str) as session:
        diagnosis = diagnose_program(found("cross-loop-use", "groq.AsyncGroq"), session, PhaseOptions(), tmp_path)

    assert diagnosis.answers[-1].sentences[-1] == "No fix was tried: this environment has no groq."


def test_a_program_and_its_arguments_are_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    mistake = worst(run_program([str(tmp_path / "app.py"), "--here", "x"], tmp_path))

    assert mistake is not None
    assert mistake.cause["kind"] == "use-after-loop-close"
    assert capfd.readouterr().out == "['--here', 'x']\n"


def test_a_program_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["diagnose", "--reports", str(tmp_path), str(tmp_path / "nowhere.py")])

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == "error: the program did not start, so there is nothing to diagnose"
