"""The code that `run` suggests, pasted into the program, removes the finding: for every kind in every type of program.

`EVERY_PAIR=1 python -m pytest tests/sanitizer/test_pasted.py` runs every pair, which takes minutes; otherwise one kind
runs in some types. Kinds that are not here have a repaired twin in `reports/`: what is advised for them is no code, or
needs more than to be pasted. Notebooks have one too, because they need an environment of their own.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from diagnostics.drop_in import single_file
from diagnostics.model.words import FINDING_KINDS
from tests.sanitizer.pasted import MISTAKES, PLACES, right, wrong
from tests.sanitizer.service import service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sanitizer.conftest import Ran

SAMPLE = "cross-loop-use"
SCRIPTS = ("script with one run", "script with several runs")
CALLED = ("test", "serverless handler", "thread bridge", "thread bridge in a script")
CANNOT = {
    **dict.fromkeys(
        ((kind, "script with one run") for kind in ("cross-loop-use", "duplicate-request", "stuck-waiter")),
        "one run has one loop",
    ),
    **dict.fromkeys(
        ((kind, place) for kind in ("pending-task-destroyed", "loop-closed-by-gc") for place in CALLED),
        "the framework makes the loop, cancels its tasks and closes it",
    ),
    ("loop-closed-by-gc", "task queue"): "as in a server",
    ("loop-closed-by-gc", "loop in a thread"): "as in a script",
    ("pending-task-destroyed", "loop in a thread"): "as in a script",
    ("stuck-waiter", "loop in a thread"): "the loop that has the connection goes on, and may give it back",
    **dict.fromkeys(
        (("unclosed-at-exit", place) for place in PLACES if place not in SCRIPTS),
        "the framework closes the loop before the process ends, or keeps it for its next call",
    ),
    **dict.fromkeys(
        ((kind, "library") for kind in MISTAKES if kind != SAMPLE),
        "the program does not hold the client: the advice is the same for every kind",
    ),
}
"""Pairs that cannot occur, and why."""

PAIRS = [(kind, place) for kind in MISTAKES for place in PLACES if (kind, place) not in CANNOT]
SOME = (
    *("script with several runs", "server", "server on a loop of the program", "loop in a thread"),
    *("test", "thread bridge in a script"),
)
CHOSEN = PAIRS if "EVERY_PAIR" in os.environ else [(SAMPLE, place) for place in SOME]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with service() as found:
        yield found


def test_every_pair_is_run_or_cannot_occur() -> None:
    assert {*CANNOT} <= {(kind, place) for kind in MISTAKES for place in PLACES}
    assert {*MISTAKES} <= {*FINDING_KINDS}


@pytest.mark.environment
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "place"), CHOSEN)
def test_the_advised_code_removes_the_finding(
    run: Callable[..., Ran], address: str, tmp_path: Path, kind: str, place: str
) -> None:
    file = tmp_path / "test_program.py"
    (tmp_path / "async_tools.py").write_text(single_file())
    words = ("pytest", "-q", "-p", "no:cacheprovider", str(file)) if PLACES[place].pytest else (str(file),)
    more = {"SERVICE": address, "OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "none"}

    def ran(text: str) -> Ran:
        file.write_text(text)
        return run("reports", *words, module=PLACES[place].pytest, more=more)

    before = ran(wrong(MISTAKES[kind], PLACES[place]))
    assert before.document is not None, before.errors
    causes = [each for each in before.document["root_causes"] if kind in _kinds(before, each)]
    (code,) = {each["advice"][0]["code"] for each in causes}
    text = right(MISTAKES[kind], PLACES[place], code)
    after = ran(text)
    assert [each for each in after.findings if each["severity"] != "note"] == [], f"{text}\n{after.errors}"
    assert after.status == 0, f"{text}\n{after.errors}"


def _kinds(ran: Ran, cause: dict[str, object]) -> set[str]:
    assert isinstance(cause["findings"], list)
    return {each["kind"] for each in ran.findings if each["id"] in cause["findings"]}
