"""Programs of a few lines with real packages: each finding with its kind, line and culprit, silence where all is right.

A program says at its head in which environments it runs and what is to be found: `# FINDINGS: kind=severity …` or
`none`. The line that makes the client ends in `# CREATED`, the one that is to be named as the access in `# TOUCHED`;
`# FAULT:` names the component, where that is not the program itself, `# OPERATION:` what a call on another loop did,
`# WAITS:` what a call waits for, `# CLOSER:` how the client is closed, and `# SAYS:` how a message begins. `# WARM:` is
for programs of frameworks, which share one import of those.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.model.words import FINDING_KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sanitizer.conftest import Ran

PROGRAMS = sorted(Path(__file__).with_name("programs").glob("*.py"))


def header(program: Path, word: str, environment: str = "") -> list[str] | None:
    """The words of a header line; a line for this environment goes before one for all."""
    lines = dict(re.findall(rf"^# ({word}(?: \S+)?): (.*)$", program.read_text(), re.MULTILINE))
    text = lines.get(f"{word} {environment}", lines.get(word))
    return None if text is None else text.split()


def marked(program: Path, mark: str) -> int | None:
    return next((n for n, line in enumerate(program.read_text().splitlines(), 1) if line.endswith(f"# {mark}")), None)


CASES = [
    pytest.param(program, environment, id=f"{program.stem}-{environment}")
    for program in PROGRAMS
    for environment in header(program, "ENVIRONMENTS") or []
]


WARM = [program for program in PROGRAMS if header(program, "WARM")]
FRAMEWORKS = ("agents", "instructor", "langchain_openai", "litellm", "llama_index", "pydantic_ai")

# One that hangs cannot be compared; two that race with themselves (threads; the order in which a loop finalises its
# async generators) differ between uninstrumented runs too; and the frameworks take long to import.
RACING = (
    "no_slot-",
    "no_slot_in_hook",
    "two_live_loops",
    "from_thread",
    "elsewhere",
    "slot_lost",
    "descriptor_closed",
    "dropped_stream",
    "frameworks",
)
SAME = [case for case in CASES if not any(name in str(case.id) for name in RACING)]


@pytest.mark.environment
@pytest.mark.parametrize(("program", "environment"), CASES)
def test_a_program_gets_the_findings_it_deserves(
    run: Callable[..., Ran], warm: Callable[..., dict[str, Ran]], program: Path, environment: str
) -> None:
    expected = dict(word.split("=") for word in header(program, "FINDINGS", environment) or [] if word != "none")
    maybe = dict(word.split("=") for word in header(program, "MAYBE", environment) or [])
    if program in WARM:
        ran = warm(environment, WARM)[program.stem]
    else:
        ran = run(environment, program, environment, options=tuple(header(program, "OPTIONS") or ()))
    assert {kind: severity for kind, severity in ran.kinds.items() if kind not in maybe} == expected, ran.errors
    assert ran.document is not None
    assert [line.split(":")[0] for line in ran.document["cannot_tell"]] == (
        header(program, "CANNOT-TELL", environment) or []
    )
    assert (
        "".join(ran.document["cannot_tell"]).split()
        == " ".join(re.findall("blind spot: ((?:.|\\n )*)", ran.errors)).split()
    )
    for finding in ran.findings:
        if finding["client"] is not None:
            created = finding["client"]["created_at"] or finding["client"]["held_by"]["site"]
            assert created["file"] == str(program)
            assert created["line"] == marked(program, "CREATED")
        assert [finding["fault"]["component"]] == (header(program, "FAULT") or ["user"])
        touched = marked(program, "TOUCHED")
        if touched and (finding["severity"] == "error" or finding["kind"] == "stuck-waiter"):
            assert finding["access"]["site"]["line"] == touched
        if finding["kind"] == "cross-loop-use":
            assert [finding["access"]["operation"]] == (header(program, "OPERATION") or ["connection.send"])
        assert finding["message"].startswith(" ".join(header(program, "SAYS") or []))
        if header(program, "CLOSER"):
            assert finding["client"]["closer"] == " ".join(header(program, "CLOSER") or [])
        if finding["kind"] == "stuck-waiter":
            assert f"waits {' '.join(header(program, 'WAITS') or ['for a pool slot'])}" in finding["message"]


@pytest.mark.environment
@pytest.mark.parametrize(("program", "environment"), SAME)
def test_a_program_does_the_same_watched_and_unwatched(
    run: Callable[..., Ran], program: Path, environment: str
) -> None:
    instrumented, alone = (
        run(environment, program, environment),
        run(environment, program, environment, instrumented=False),
    )
    assert plain(instrumented.output) == plain(alone.output)
    assert plain(instrumented.own_errors) == plain(alone.errors)
    error = any(finding["severity"] == "error" for finding in instrumented.findings)
    assert instrumented.status == (66 if error and alone.status == 0 else alone.status)
    assert instrumented.document is not None
    assert instrumented.document["program"]["exit_code"] == alone.status


def plain(text: str) -> str:
    # asyncio ends the generators of a loop in the order of their addresses, and some orders make it complain.
    text = re.sub(
        r"an error occurred during closing of asynchronous generator.*\nasyncgen: .*\nRuntimeError: aclose.*\n",
        "",
        text,
    )
    return re.sub(
        r"0x[0-9a-f]+|fd=\d+|async_generator object \S+|ResponseHandler.*|localhost:\d+|127\.0\.0\.1:\d+",
        "…",
        text,
    )


@pytest.mark.environment
def test_libraries_that_lie_elsewhere_than_in_site_packages_are_libraries(
    run: Callable[..., Ran], interpreter: Callable[[str], Path], inside: Path, tmp_path: Path
) -> None:
    """As after `pip install --target`: the client and the connection are named by the program's own lines."""
    text = (Path(__file__).with_name("programs") / "left_open.py").read_text()
    program = tmp_path / "left_open.py"
    program.write_text(f"{text}\nprint(sys.modules['openai'].__file__)\n")
    (installed,) = interpreter("openai-3").parent.parent.glob("lib/python*/site-packages")
    (tmp_path / "deps").symlink_to(installed)
    ran = run("openai-3", program, more={"PYTHONPATH": os.pathsep.join([str(tmp_path / "deps"), str(inside)])})
    (finding,) = ran.findings
    assert str(tmp_path / "deps" / "openai") in ran.output
    assert finding["client"]["type"] == "openai.AsyncOpenAI"
    assert finding["client"]["created_at"]["line"] == marked(program, "CREATED")
    assert finding["connection"]["opened_at"]["file"] == str(program)
    assert finding["fault"]["component"] == "user"


def test_every_kind_has_a_program() -> None:
    tried = {
        word.split("=")[0]
        for program in PROGRAMS
        for environment in header(program, "ENVIRONMENTS") or []
        for word in header(program, "FINDINGS", environment) or []
    }
    assert tried - {"none"} == set(FINDING_KINDS)


def test_there_are_enough_programs_of_frameworks_and_enough_right_ones() -> None:
    """At least twelve with findings, over five frameworks or more; at least eight that are right."""
    used = {program: [name for name in FRAMEWORKS if name in program.read_text()] for program in PROGRAMS}
    wrong = {program: names for program, names in used.items() if names and header(program, "FINDINGS") != ["none"]}
    assert len(wrong) >= 12
    assert {name for names in wrong.values() for name in names} == set(FRAMEWORKS)
    assert all(marked(program, "CREATED") and header(program, "ENVIRONMENTS") for program in wrong)
    assert sum(header(program, "FINDINGS") == ["none"] for program, names in used.items() if names) >= 7
    assert sum(header(program, "FINDINGS") == ["none"] for program in PROGRAMS) >= 8


@pytest.mark.environment
def test_the_root_cause_is_the_same_in_200_of_200_runs_though_the_symptom_comes_and_goes(
    run: Callable[..., Ran],
) -> None:
    program = Path(__file__).with_name("programs") / "two_hundred.py"
    runs = [json.loads(line) for line in run("openai-2", program, instrumented=False).output.splitlines()]
    assert len(runs) == 200
    (cause,) = runs[0]["root cause"]
    assert (cause["count"], cause["client"]) == (2, ["openai.AsyncOpenAI", marked(program, "CREATED")])
    assert cause["loop"] == [marked(program, "CLOSED"), marked(program, "CLOSED"), "asyncio.run"]
    assert all(each["root cause"] == [cause] for each in runs)
    # Or the test would prove nothing: the error shows where the collector is made to come, and now and then by itself.
    symptoms = {
        collector: {each["symptom"] for each in runs if each["collector"] == collector}
        for collector in ("off", "on", "forced inside")
    }
    assert symptoms == {"off": {""}, "on": {"", "Event loop is closed"}, "forced inside": {"Event loop is closed"}}
