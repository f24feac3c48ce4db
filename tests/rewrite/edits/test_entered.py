"""A client that a coroutine gets is closed there only if nobody else uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.rewrite.edits import entered
from tests.rewrite.edits.cases import HEAD
from tests.rewrite.edits.test_edits import changes

MAIN = "async def main(one):\n    return await one.ask(1)\n\n\n"

CASES = {
    "made for the run": ("asyncio.run(main(Client(1)))\n", True),
    "made for the run in a function": (
        "def start(n):\n    one = Client(1)\n    one_more = n\n    asyncio.run(main(one))\n\n\nstart(1)\n",
        True,
    ),
    "used again": ("one = Client(1)\nasyncio.run(main(one))\nasyncio.run(one.more())\n", False),
    "used for several runs": ("one = Client(1)\nfor _ in range(2):\n    asyncio.run(main(one))\n", False),
    "an argument of the owner": ("def start(one=Client(1)):\n    asyncio.run(main(one))\n\n\nstart()\n", False),
    "called by another, too": (
        "def start(one):\n    return main(one)\n\n\nasyncio.run(main(Client(1)))\n",
        False,
    ),
    "never called": ("asyncio.run(connect(Client(1)))\n", False),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_entered_only_where_nothing_else_uses_it(tmp_path: Path, name: str) -> None:
    run, is_entered = CASES[name]
    facts = {"kind": "client-left-open", "made": "Client(1)", "opened": "one.ask(1)"}
    proposed = changes(tmp_path, f"{HEAD}{MAIN}{run}", **facts)
    assert any(each.summary == entered.SUMMARY for each in proposed) is is_entered
