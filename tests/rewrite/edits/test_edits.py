"""What each edit makes of a program: only the lines that it needs change, and comments stay."""

from __future__ import annotations

import ast
import tokenize
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from diagnostics.rewrite.edits import EDITS, candidates
from diagnostics.rewrite.edits.program import MOST_FILES
from diagnostics.rewrite.records import Candidate
from tests.rewrite.edits.cases import CASES, HEAD, TOOL
from tests.rewrite.edits.more_cases import MORE_CASES


class Folder(NamedTuple):
    """The files of a program."""

    root: Path

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")


def site(root: Path, expression: str) -> dict[str, Any]:
    """The first place of an expression."""
    return sites(root, expression)[0]


def sites(root: Path, expression: str) -> list[dict[str, Any]]:
    """The lines that have an expression."""
    found = []
    for path in root.rglob("*.py"):
        with tokenize.open(path) as file:
            lines = file.read().splitlines()
        for number, line in enumerate(lines, 1):
            if expression in line:
                column = line.index(expression)
                end = column + len(expression)
                found.append({"file": str(path), "line": number, "column": column, "end_column": end})
    assert found, expression
    return found


def document(
    root: Path,
    *,
    kind: str = "cross-loop-use",
    code: str = "",
    made: str = "",
    closer: str = "async with",
    holder: str = "",
    callers: tuple[str, ...] = (),
    loop: str = "asyncio.run(",
    closed: str = "",
    running: str = "",
    used: str = "",
    opened: str = "",
) -> dict[str, Any]:
    """A document of `run --json` with one root cause."""
    client: dict[str, Any] | None = (
        {"created_at": site(root, made), "closer": closer, "type": "sdk.Client" if closer else "asyncio.Lock"}
        if made
        else None
    )
    if client is not None:
        client["held_by"] = {"name": holder} if holder else None
        client["stack"] = [client["created_at"], *(site(root, each) for each in callers)]
    access: dict[str, Any] | None = {"running": {"created_at": site(root, running)}} if running else None
    access = {"site": {**site(root, used), "function": "beat"}} if used else access
    end = site(root, closed) if closed else None
    findings = [
        {"id": f"F{number}", "client": client, "loop": {"created_at": each, "closed_at": end}, "access": access}
        for number, each in enumerate(sites(root, loop), 1)
    ]
    for each in findings if opened else ():
        each["connection"] = {"opened_at": site(root, opened)}
    advice = [{"code": code, "where": site(root, made)}] if made else []
    cause = {"kind": kind, "findings": [each["id"] for each in findings], "advice": advice}
    return {"program": {"argv": ["app.py"]}, "findings": findings, "root_causes": [cause]}


def changes(root: Path, before: str, **facts: Any) -> list[Candidate]:
    (root / "app.py").write_text(before, encoding="utf-8")
    found = document(root, **facts)
    proposed = list(candidates(found, found["root_causes"][0], Folder(root)))
    for each in proposed:
        for text in each.files.values():
            ast.parse(text)
    return proposed


@pytest.mark.parametrize("name", [*CASES, *MORE_CASES])
def test_an_edit_changes_what_it_must(tmp_path: Path, name: str) -> None:
    fix, facts, before, after = {**CASES, **MORE_CASES}[name]
    made = [each.files["app.py"] for each in changes(tmp_path, before, **facts) if each.fix == fix]
    assert after in made, made


def test_environments_beside_the_program_are_not_read(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    for number in range(MOST_FILES):
        (tmp_path / ".venv" / f"m{number}.py").touch()
    fix, facts, before, after = CASES["a variable"]
    assert after in [each.files["app.py"] for each in changes(tmp_path, before, **facts) if each.fix == fix]


def test_another_repository_beside_the_program_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other" / ".git").mkdir(parents=True)
    fix, facts, before, after = CASES["a variable"]
    (tmp_path / "other" / "use.py").write_text("import app\n\nasync def more(): await app.client.ask()\n")
    assert after in [each.files["app.py"] for each in changes(tmp_path, before, **facts) if each.fix == fix]


def test_a_variable_of_the_same_name_in_another_program_is_another_one(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("client = 1\n\n\ndef ask():\n    print(client)\n")
    fix, facts, before, after = CASES["a server"]
    assert after in [each.files["app.py"] for each in changes(tmp_path, before, **facts) if each.fix == fix]


def test_a_client_of_another_module_is_created_by_a_function_of_that(tmp_path: Path) -> None:
    home = "from sdk import Client\n\n# for all\nclient = Client(1)  # made\n"
    (tmp_path / "clients.py").write_text(home, encoding="utf-8")
    uses = "import asyncio\n\nfrom clients import client\n\n\nasync def ask(n):\n    return await client.ask(n)\n"
    proposed = changes(tmp_path, f"{uses}\n\nfor n in range(2):\n    asyncio.run(ask(n))\n", made="Client(1)")
    files = next(each.files for each in proposed if each.fix == "context-manager")
    assert "# for all\ndef make_client():\n    return Client(1)  # made\n" in files["clients.py"]
    assert "from clients import make_client\n" in files["app.py"]
    assert "    async with make_client() as client:\n        return await client.ask(n)\n" in files["app.py"]


@pytest.mark.parametrize(
    "use", ["import clients\n", "from clients import client as other\n", "from clients import *\n\nprint(client)\n"]
)
def test_a_client_that_another_file_names_in_another_way_stays(tmp_path: Path, use: str) -> None:
    (tmp_path / "more.py").write_text(f"{use}\nasync def more():\n    await clients.client.ask()\n", encoding="utf-8")
    (tmp_path / "clients.py").write_text("from sdk import Client\n\nclient = Client(1)\n", encoding="utf-8")
    uses = "import asyncio\n\nfrom clients import client\n\n\nasync def ask(n):\n    return await client.ask(n)\n"
    proposed = changes(tmp_path, f"{uses}\n\nfor n in range(2):\n    asyncio.run(ask(n))\n", made="Client(1)")
    assert {each.fix for each in proposed}.isdisjoint({"context-manager", "client-per-loop"})


def test_what_has_the_client_s_name_is_awaited_first_and_what_has_another_last(tmp_path: Path) -> None:
    before = (
        HEAD + "async def other(file, log):\n    file.close()\n    log.close()\n\n\n"
        "async def main():\n    client = Client(1)\n    await client.ask()\n    client.close()\n\n\n"
        "asyncio.run(main())\n"
    )
    proposed = changes(tmp_path, before, kind="client-left-open", made="Client(1)")
    first, *between, one, other = proposed
    assert [each.fix for each in (first, one, other)] == ["await-close"] * 3
    assert "    await client.close()\n" in first.files["app.py"]
    assert "await-close" not in {each.fix for each in between}


@pytest.mark.parametrize(
    ("name", "rest"), [("__init__.py", ""), ("clients.py", "\n__all__ = ['client']\n"), ("clients.py", "")]
)
def test_a_name_that_a_module_offers_stays(tmp_path: Path, name: str, rest: str) -> None:
    home = tmp_path if name != "__init__.py" else tmp_path / "clients"
    home.mkdir(exist_ok=True)
    (home / name).write_text(f"from sdk import Client\n\nclient = Client(1)\n{rest}", encoding="utf-8")
    uses = "import asyncio\n\nfrom clients import client\n\n\nasync def ask(n):\n    return await client.ask(n)\n"
    before = f"{uses}\n\nfor n in range(2):\n    asyncio.run(ask(n))\n"
    found = document(tmp_path, made="Client(1)") if (tmp_path / "app.py").write_text(before) else {}
    misfits: list[Any] = []
    proposed = {each.fix for each in candidates(found, found["root_causes"][0], Folder(tmp_path), misfits)}
    renaming = {"context-manager", "client-per-loop"}
    assert proposed & renaming == (renaming if name == "clients.py" and not rest else set())
    assert any("offers client to other code" in each.why for each in misfits) is not bool(proposed & renaming)


def test_a_name_that_a_package_offers_on_stays_and_a_run_has_a_client_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("from .llm import ask, client\n", encoding="utf-8")
    home = "from sdk import Client\n\nclient = Client(1)\n\n\nasync def ask(n):\n"
    (tmp_path / "shop" / "llm.py").write_text(f"{home}    return await client.ask(n)\n", encoding="utf-8")
    before = "import asyncio\n\nfrom shop import ask\n\nfor n in range(2):\n    asyncio.run(ask(n))\n"
    first = changes(tmp_path, before, made="Client(1)")[0]
    own = f"{home}    async with Client(1) as client:\n        return await client.ask(n)\n"
    assert (first.fix, first.files) == ("context-manager", {"shop/llm.py": own})


def test_a_package_gets_the_drop_in_module_inside(tmp_path: Path) -> None:
    for name in ("src/shop", "src/shop/more"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "src/shop/more/llm.py").write_text("from sdk import Client\n\nclient = Client(1)\n", encoding="utf-8")
    (tmp_path / "src/shop/ask.py").write_text(
        "from shop.more.llm import client\n\n\nasync def ask(n):\n    return await client.ask(n)\n", encoding="utf-8"
    )
    proposed = changes(
        tmp_path, "import asyncio\n\nfrom shop.ask import ask\n\nasyncio.run(ask(1))\n", made="Client(1)"
    )
    files = next(each.files for each in proposed if each.fix == "client-per-loop")
    assert set(files) == {"src/shop/more/llm.py", "src/shop/ask.py", "src/shop/async_tools.py"}
    assert "from ..async_tools import LoopLocal\n" in files["src/shop/more/llm.py"]


def test_what_a_loop_local_keeps_is_not_closed_by_one_of_those_that_get_it(tmp_path: Path) -> None:
    before = TOOL.format("LoopLocal") + (
        "clients = LoopLocal(Client)\n\n\nasync def ask():\n    client = await clients.get()\n"
        "    return await client.ask()\n\n\nasyncio.run(ask())\n"
    )
    proposed = changes(tmp_path, before, kind="client-left-open", made="await clients.get()")
    assert {each.fix for each in proposed}.isdisjoint({"context-manager", "explicit-close"})


def test_every_edit_has_a_case() -> None:
    assert {each.fix for each in EDITS} == {case[0] for case in CASES.values()}


def test_a_client_in_a_global_variable_is_not_closed_by_one_of_those_that_get_it(tmp_path: Path) -> None:
    before = (
        HEAD + "client = None\n\n\ndef get():\n    global client\n"
        "    if client is None:\n        client = Client(1)\n    return client\n\n\n"
        "async def ask():\n    found = get()\n    return await found.ask()\n\n\nasyncio.run(ask())\n"
    )
    proposed = changes(tmp_path, before, made="Client(1)", callers=("= get()",))
    assert {each.fix for each in proposed}.isdisjoint({"context-manager", "explicit-close"})


def test_a_class_in_the_program_s_environment_is_closed_by_its_own_method(tmp_path: Path) -> None:
    package = tmp_path / ".venv" / "site-packages" / "sdk"
    package.mkdir(parents=True)
    base = "class Base:\n    async def close(self): pass\n    def disconnect(self, what): pass\n"
    (package / "client.py").write_text(f"{base}class Client(Base): pass\n", encoding="utf-8")
    _, facts, before, after = CASES["a class without a closer"]
    (tmp_path / "app.py").write_text(before, encoding="utf-8")
    found = document(tmp_path, **facts)
    found["findings"][0]["access"] = {"stack": [{"file": str(package / "client.py"), "line": 2}]}
    proposed = candidates(found, found["root_causes"][0], Folder(tmp_path))
    assert after.replace("__aexit__(None, None, None)", "close()") in [each.files["app.py"] for each in proposed]
