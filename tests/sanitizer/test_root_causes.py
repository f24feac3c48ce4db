"""One mistake is one root cause with one block, and the advice for it cures it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.drop_in import single_file
from diagnostics.model.finding import Access, Advice, ClientFacts, Fault, Finding, Hint, LoopFacts, Site
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.output.drawing import Style
from diagnostics.sanitizer.output.text import SHORT, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sanitizer.conftest import Ran

MADE = Site("app.py", 3, "<module>", "client = AsyncOpenAI()", 9, 22)
USED = Site("app.py", 8, "ask", "await client.get()", 10, 20)
CLIENT = ClientFacts("C1", "openai.AsyncOpenAI", MADE, (MADE,), 6, 6, closer="async with")
FIRST, SECOND = (
    LoopFacts(name, "asyncio", Site("app.py", 12, "<module>", "asyncio.run(main())", 0, 19), "asyncio.run", None, None)
    for name in ("L1", "L2")
)


def finding(kind: str, severity: str) -> Finding:
    access = Access("L2", USED, "connection.send", "call", (USED,), owner_open=False, running=SECOND)
    return Finding(
        kind, severity, 3, f"{kind}!", CLIENT, FIRST, None, access, Fault("user", MADE, "why"), Hint(None, "")
    )


SAME = [
    finding("cross-loop-use", "error"),
    finding("duplicate-request", "error"),
    finding("client-left-open", "leak"),
    finding("loop-closed-by-gc", "leak"),
]


@given(st.permutations(SAME))
def test_what_one_change_cures_is_one_root_cause_whatever_the_order(findings: list[Finding]) -> None:
    report = group(findings, ())
    (cause,) = report.root_causes
    assert (cause.kind, cause.severity) == ("cross-loop-use", "error")
    assert sorted(cause.findings) == ["F1", "F2", "F3", "F4"]
    assert cause.advice[0].fix == "context-manager"
    assert {each.hint.text for each in report.findings} == {cause.advice[0].text}
    text = render(report.root_causes, report.findings, Style())
    assert text.count("error[cross-loop-use]") == 1
    assert "leak[" not in text


def test_what_needs_a_change_of_its_own_is_a_root_cause_of_its_own() -> None:
    report = group([*SAME, finding("abandoned-stream", "leak")], ())
    assert [cause.kind for cause in report.root_causes] == ["cross-loop-use", "abandoned-stream"]


@pytest.mark.parametrize(("lines", "shown"), [(SHORT, f"line {SHORT}"), (SHORT + 1, "explain single-run")])
def test_later_advice_is_shown_where_it_is_short(lines: int, shown: str) -> None:
    report = group([SAME[2]], ())
    code = "\n".join(f"line {number}" for number in range(1, lines + 1))
    advice = tuple(Advice("single-run", text, code, None) for text in ("first", "second"))
    cause = replace(report.root_causes[0], advice=advice)
    assert render([cause], report.findings, Style()).rstrip().endswith(shown)


def test_a_loop_has_one_number_in_all_blocks() -> None:
    report = group([SAME[0], replace(SAME[2], loop=SECOND, client=replace(CLIENT, id="C2", type="asyncpg.Pool"))], ())
    first, second = (block for block in render(report.root_causes, report.findings, Style()).split("\n\n") if block)
    assert ("loop 1" in first, "loop 2" in first) == (True, True)
    assert ("loop 1" in second, "loop 2" in second) == (False, True)


def test_the_pending_task_of_a_library_belongs_to_the_one_client_that_the_person_keeps() -> None:
    left, task = finding("client-left-open", "leak"), finding("pending-task-destroyed", "leak")
    theirs = replace(task, client=None, fault=Fault("aiormq", None, "why"))
    mine = replace(task, client=None)
    other = replace(left, client=replace(CLIENT, id="C2", type="asyncpg.Pool"))
    several = ([left, theirs], [left, mine], [left, other, theirs])
    assert [len(group(each, ()).root_causes) for each in several] == [1, 2, 3]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_prose_fits_the_terminal(width: int) -> None:
    report = group(SAME, ())
    text = render(report.root_causes, report.findings, Style(width))
    prose = [line for line in text.splitlines() if not re.match(r"\s*\d*\s*(\||-->|:::)", line)]
    assert prose
    assert all(len(line) <= width for line in prose)


def test_colours_and_links_are_for_terminals_only() -> None:
    report = group(SAME, ())
    assert "\x1b" not in render(report.root_causes, report.findings, Style())
    assert "\x1b[1;31merror" in render(report.root_causes, report.findings, Style(colour=True))


CALLS = "\n".join(
    f"""async def ask_{number}():
    return await client.chat.completions.create(model="m", messages=[{{"role": "user", "content": "{number}"}}])
"""
    for number in range(8)
)
EIGHT = f"""
import asyncio
import os
from openai import AsyncOpenAI

client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1", max_retries=0)

{CALLS}

async def main():
    for call in (ask_0, ask_1, ask_2, ask_3, ask_4, ask_5, ask_6, ask_7):
        try:
            await call()
        except Exception as error:
            print(type(error).__name__)

for _ in range(2):
    asyncio.run(main())
"""


@pytest.mark.environment
def test_one_client_with_eight_call_sites_is_one_block_of_at_most_thirty_lines(
    run: Callable[..., Ran], tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(EIGHT)
    ran = run("openai-3", program, more={"COLUMNS": "80"})
    assert ran.document is not None
    assert len(ran.document["root_causes"]) == 1, ran.errors
    report = ran.errors[ran.errors.index("error[cross-loop-use]") :]
    assert len(re.findall(r"(?m)^(?:error|leak|note)\[", report)) == 1
    assert len(report.strip().splitlines()) <= 30, report


@pytest.mark.environment
def test_repeats_have_the_same_root_causes_whatever_the_collector_does(run: Callable[..., Ran]) -> None:
    """`REPEATS=200 python -m pytest tests/sanitizer/test_root_causes.py -k repeats` does it 200 times."""
    count = os.environ.get("REPEATS", "5")
    ran = run("openai-3", Path(__file__).with_name("repeats.py"), count, instrumented=False, timeout=3600)
    ((causes, times),) = json.loads(ran.output).items()
    assert times == int(count)
    assert [cause[0] for cause in json.loads(causes)] == ["abandoned-stream", "client-left-open", "cross-loop-use"]


OLDER = """
import asyncio
import os

from openai import AsyncOpenAI

from diagnostics.sanitizer import watch

client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1", max_retries=0)


async def ask():
    try:
        await client.models.list()
    except Exception as error:
        print(type(error).__name__)


with watch() as found:
    for _ in range(2):
        asyncio.run(ask())
for cause in found.root_causes:
    print(cause.kind, cause.evidence[0].client.held_by.name, cause.advice[0].code.splitlines()[-2].strip())
"""


@pytest.mark.environment
def test_a_client_that_is_older_than_the_watch_is_one_root_cause(run: Callable[..., Ran], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(OLDER)
    ran = run("openai-3", program, instrumented=False)
    first, *others = ran.output.splitlines()[1:]
    assert (first.split(" async with")[0], others) == ("cross-loop-use client", []), ran.output + ran.errors


HEAD = """
import asyncio
import os
from openai import AsyncOpenAI

def create():
    return AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1", max_retries=0)

async def ask(client):
    try:
        return await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    except Exception as error:
        print(type(error).__name__)
"""
SEVERAL_RUNS = f"{HEAD}\nclient = create()\nfor _ in range(2):\n    asyncio.run(ask(client))\n"
INSIDE = f"""{HEAD}
async def main():
    client = create()
    try:
        await ask(client)
    finally:
        await client.close()

for _ in range(2):
    asyncio.run(main())
"""
ONE_LOOP = f"""{HEAD}
from async_tools import LoopLocal, run_sync

clients = LoopLocal(create)

async def main():
    await ask(await clients.get())

for _ in range(2):
    run_sync(main())
"""
ONE_RUN = f"{HEAD}\nasync def main():\n    await ask(create())\n\nasyncio.run(main())\n"
CLOSED = (
    f"{HEAD}\nasync def main():\n    async with create() as client:\n        await ask(client)\n\nasyncio.run(main())\n"
)
STREAM = f"""{HEAD}
async def main():
    async with create() as client:
        question = {{"role": "user", "content": "hi"}}
        stream = await client.chat.completions.create(model="m", messages=[question], stream=True)
        async for part in stream:
            break

asyncio.run(main())
"""
STREAM_CLOSED = STREAM.replace("            break\n", "            break\n        await stream.close()\n")
TASK = """
import asyncio

async def main():
    task = asyncio.get_running_loop().create_task(asyncio.sleep(600))
    await asyncio.sleep(0)
    return task

loop = asyncio.new_event_loop()
task = loop.run_until_complete(main())
loop.close()
"""
TASK_CANCELLED = TASK.replace(
    "    return task\n", "    task.cancel()\n    await asyncio.gather(task, return_exceptions=True)\n"
)


@pytest.mark.environment
@pytest.mark.parametrize(
    ("before", "after", "fix"),
    [
        pytest.param(SEVERAL_RUNS, INSIDE, "context-manager", id="several-runs"),
        pytest.param(SEVERAL_RUNS, ONE_LOOP, "background-loop", id="several-runs-one-loop"),
        pytest.param(ONE_RUN, CLOSED, "context-manager", id="one-run"),
        pytest.param(STREAM, STREAM_CLOSED, None, id="stream"),
        pytest.param(TASK, TASK_CANCELLED, None, id="task"),
    ],
)
def test_the_advice_cures_the_root_cause(
    run: Callable[..., Ran], tmp_path: Path, before: str, after: str, fix: str | None
) -> None:
    (tmp_path / "async_tools.py").write_text(single_file())
    program = tmp_path / "program.py"
    program.write_text(before)
    wrong = run("openai-3", program)
    assert wrong.document is not None
    (cause,) = wrong.document["root_causes"]
    assert fix in [advice["fix"] for advice in cause["advice"]], wrong.errors
    program.write_text(after)
    right = run("openai-3", program)
    assert right.document is not None
    assert [each for each in right.document["root_causes"] if each["severity"] != "note"] == [], right.errors
