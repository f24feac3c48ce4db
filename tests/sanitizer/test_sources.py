"""What is read from a program's source for advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from diagnostics.model.finding import Site
from diagnostics.sanitizer.analyze.sources import creation_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "expression"),
    [
        ("client = Client(key='k')", "Client(key='k')"),
        ("client = await connect(url)", "await connect(url)"),
        ("client = await session.create(1).__aenter__()", "session.create(1)"),
        ("client = await stack.enter_async_context(session.create(1))", "session.create(1)"),
        ("client = await self.enterAsyncContext(Client())", "Client()"),
    ],
)
def test_the_expression_that_creates_a_client_is_what_async_with_takes(
    tmp_path: Path, line: str, expression: str
) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"async def main(self, stack, session, url):\n    {line}\n")
    where = Site(str(file), 2, "main", line, column=4 + line.index("= ") + 2)
    assert creation_of(where, "Client", assigned=True) == expression
