"""Every bridge is asked every question; docs/results/bridges.md has the answers, and ours are the good ones."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.bridges import BRIDGES, is_there, load, trying
from benchmarks.bridges.behaviours import BEHAVIOURS
from benchmarks.bridges.behaviours.behaviour import Ended, answered
from benchmarks.bridges.trying import ask, sign, table

PROGRAMS = Path(__file__).parent / "programs"
PAGE = Path(__file__).parents[3] / "docs" / "results" / "bridges.md"
TABLE = re.compile(r"<!-- what bridges do on Python ([0-9.]+) -->\n\n(.*?)\n<!-- end of the table -->", re.DOTALL)
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


def told() -> dict[tuple[str, str], str]:
    """What the page says: words of a question and bridge to the cell."""
    found = TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in found[2].strip().splitlines())
    assert head[1:] == list(BRIDGES)
    return {(row[0], bridge): cell for row in rows for bridge, cell in zip(head[1:], row[1:], strict=True)}


def python_of_the_table() -> str:
    found = TABLE.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


@pytest.mark.parametrize("bridge", BRIDGES)
def test_the_page_says_what_a_bridge_does(bridge: str) -> None:
    if bridge != "async_tools" and python_of_the_table() != RUNNING:
        pytest.skip(f"the page is about Python {python_of_the_table()}; what asyncio and others do changes with it")
    if not is_there(bridge):
        pytest.skip(f"{bridge} has no wheel; install it by hand to ask it again")
    # Those that hang only wait: their time is not the machine's.
    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(BEHAVIOURS, pool.map(lambda question: ask(question, bridge), BEHAVIOURS), strict=True))
    page = told()
    expected = {question: page[behaviour.question, bridge] for question, behaviour in BEHAVIOURS.items()}
    others = {question: answer for question, answer in answers.items() if sign(answer) != expected[question]}
    assert others == {}, {question: expected[question] for question in others}


def test_ours_does_all_of_it() -> None:
    page = told()
    lacking = {question for (question, bridge), cell in page.items() if bridge == "async_tools" and cell != "✅"}
    # Threads that outlive a call cannot be had there.
    assert lacking == {BEHAVIOURS["sub-interpreter"].question}


def test_ours_in_their_shape() -> None:
    async def work() -> int:
        return 7

    assert load("async_tools").call(work) == 7


def test_ctrl_c_is_pressed_once_the_caller_waits() -> None:
    asked = subprocess.run([sys.executable, PROGRAMS / "slow_caller.py"], capture_output=True, text=True, check=False)
    assert (asked.stdout, asked.stderr) == ("yes\n", "")


def test_how_an_end_is_read() -> None:
    assert answered(Ended(0, "ANSWER yes\n", "")) == "yes"
    assert answered(Ended(None, "ANSWER yes\n", "")) == "hangs"
    assert answered(Ended(1, "", "Traceback")) == "fails"
    assert answered(Ended(-11, "", "")) == "dies (-11)"


def test_a_step_that_a_busy_machine_made_slow_is_no_word_about_the_bridge() -> None:
    judge, out = BEHAVIOURS["clean-exit"].judge, "task cancelled\ngenerator closed\n"
    slow = "Executing <Task pending name='Task-3' coro=<leave_behind() running at a.py:3>> took 0.201 seconds\n"
    assert judge(Ended(0, out, slow)) == judge(Ended(0, out, "")) == "yes"
    assert judge(Ended(0, out, slow + "Task was destroyed but it is pending!\n")).startswith("no: 0, [], Task was")
    assert sign(judge(Ended(0, "task cancelled\n", ""))) == "❌"


def test_a_table_has_a_row_a_question_and_a_cell_a_bridge() -> None:
    lines = table({(question, bridge): "yes" for question in BEHAVIOURS for bridge in BRIDGES}).splitlines()
    assert len(lines) == 2 + len(BEHAVIOURS)
    assert {line.count("|") for line in lines} == {len(BRIDGES) + 2}


def test_a_process_that_ends_before_the_control_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "LIMIT", 0.0)
    assert ask("one-loop", "async_tools") == "yes"
