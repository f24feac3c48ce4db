"""A future of another loop is found, or its detection is a named blind spot, whatever the Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sanitizer.conftest import Ran

PROGRAM = """
import asyncio
loop = asyncio.new_event_loop()
future = loop.create_future()
async def main():
    await future  # a global variable, which no frame refers to
try:
    asyncio.run(main())
finally:
    loop.close()
"""

SHIELDED = """
import asyncio
pending = {}
async def main():
    if "job" not in pending:
        pending["job"] = asyncio.get_running_loop().create_future()
    await asyncio.wait_for(asyncio.shield(pending["job"]), 0.01)  # with a future that nothing else refers to
try:
    asyncio.run(main())
except TimeoutError:
    asyncio.run(main())
"""


def test_who_awaits_one_is_found_or_a_blind_spot(run: Callable[..., Ran], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    ran = run("none", program)
    assert ran.document is not None, ran.errors
    assert "attached to a different loop" in ran.own_errors
    kept = [(each["client"]["type"], each["client"]["held_by"]["site"]["line"]) for each in ran.findings]
    assert kept == ([("asyncio.Future", 4)] if sys.version_info >= (3, 12) else [])
    spots = " ".join(ran.document["cannot_tell"])
    assert (set(ran.kinds), "Python 3.12" in spots) == (
        ({"cross-loop-use"}, False) if sys.version_info >= (3, 12) else (set(), True)
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in Python 3.12")
def test_a_future_that_shield_waits_for_is_the_one_of_the_program(run: Callable[..., Ran], tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(SHIELDED)
    (finding,) = run("none", program).findings
    assert (finding["kind"], finding["client"]["type"]) == ("cross-loop-use", "asyncio.Future")
    assert finding["client"]["held_by"]["site"]["line"] == 6
