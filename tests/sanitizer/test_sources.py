"""What is read from a program's source for advice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from diagnostics.model.finding import Site
from diagnostics.sanitizer.analyze.assignments import assignment
from diagnostics.sanitizer.analyze.sources import closes_at_end, creation_of, is_entered

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
        ("self.client = asyncio.run(self.make())", "await self.make()"),
        ("client = loop.run_until_complete(make(1))", "await make(1)"),
    ],
)
def test_the_expression_that_creates_a_client_is_what_async_with_takes(
    tmp_path: Path, line: str, expression: str
) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"async def main(self, stack, session, url):\n    {line}\n")
    where = Site(str(file), 2, "main", line, column=4 + line.index("= ") + 2)
    assert creation_of(where, "Client", assigned=True) == expression


@pytest.mark.parametrize(
    ("name", "line", "source"),
    [
        ("client", 1, "client = Client()"),
        ("state['client']", 2, "state = {}\nstate['client'] = Client()"),
        ("Account.lock", 2, "class Account:\n    lock = Lock()"),
        ("Session.kw['bind']", 1, "Session = build()"),
        ("keep", 2, "def main():\n    runner = Runner()\n    keep.append(runner)\nkeep = []"),
        ("keep", 1, "keep.append(await connect())"),
        ("state['client']", 3, "state = {}\ndef get(key):\n    state[key] = Client()"),
        ("state['client']", 3, "state = {}\ndef get(key):\n    return state.setdefault(key, Client())"),
        ("app.writer", 2, "async def main(self):\n  self.reader, self.writer = await open()\napp = App()"),
        ("line", 3, "def read():\n    line = next(file)\nline = Line()"),
        ("client", 1, "with connect() as client:\n    pass"),
        ("line", 3, "def read():\n    global line\n    line = Line()"),
    ],
)
def test_the_line_that_gives_a_variable_its_value_is_found(tmp_path: Path, name: str, line: int, source: str) -> None:
    file = tmp_path / "program.py"
    file.write_text(source)
    found = assignment(str(file), name, 0)
    assert found is not None
    assert found[0] == line


def test_an_attribute_of_self_may_be_one_of_the_class(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text("class Service:\n    lock: Lock = Lock()\n    async def work(self):\n        await self.lock\n")
    found = assignment(str(file), "self.lock", 3)
    assert found is not None
    assert found[0] == 2


@pytest.mark.parametrize(
    ("inner", "line"), [("def inner():", 2), ("@wraps\n  async def inner():", 2), ("def inner(limit):", None)]
)
def test_a_variable_of_a_closure_is_assigned_in_a_function_around(tmp_path: Path, inner: str, line: int | None) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        f"def limited(count):\n  limit = Semaphore(count)\n  {inner}\n    limit.acquire()\nlimit = Lock()\n"
    )
    found = assignment(str(file), "limit", 3)
    assert (found and found[0]) == line


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("async def main(*, cache=Client()):\n  await cache.get()", 1),
        ("async def main():\n  cache = current.get(None)\n  if not cache:\n    cache = lib.Client()", 4),
        ("async def main():\n  cache = current.get(None)", 2),
    ],
)
def test_of_several_assignments_the_one_that_names_the_class_counts(tmp_path: Path, source: str, line: int) -> None:
    file = tmp_path / "program.py"
    file.write_text(source)
    found = assignment(str(file), "cache", 1, "Client")
    assert found is not None
    assert found[0] == line


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("await connection.close()", True),
        ("await connection.aclose()", True),
        ("await connection.execute('end')", False),
        ("await other.close()", False),
    ],
)
def test_a_function_that_closes_at_its_end_what_it_makes_is_one(tmp_path: Path, line: str, ends: bool) -> None:
    file = tmp_path / "program.py"
    file.write_text(
        f"async def main():\n    connection = await connect()\n    try:\n        ...\n    finally:\n        {line}\n"
    )
    assert closes_at_end(Site(str(file), 2, "main", "")) is ends


@pytest.mark.parametrize(
    ("line", "entered"),
    [
        ("await channel.subscribe('a')", True),
        ("await client.subscribe('a')", False),
        ("other = await channel.connect('a')", False),
    ],
)
def test_what_a_line_calls_a_method_of_may_be_entered(tmp_path: Path, line: str, entered: bool) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"async def main(client):\n    async with client.pubsub() as channel:\n        {line}\n")
    assert is_entered(Site(str(file), 3, "main", "")) is entered
