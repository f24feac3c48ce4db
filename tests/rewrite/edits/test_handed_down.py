"""A client of a module reaches the functions that use it as an argument, or they stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.rewrite.edits import candidates, inside_run
from diagnostics.rewrite.records import Misfit
from tests.rewrite.edits.cases import HEAD
from tests.rewrite.edits.test_edits import Folder, document

ASK = "async def ask(text):\n    return await client.ask(text)\n\n\n"
MAIN = "async def main():\n    return await asyncio.gather(*(ask(each) for each in 'ab'))\n\n\n"
RUN = "asyncio.run(main())\n"


def handed(root: Path, files: dict[str, str], made: str = "Client(1)") -> tuple[dict[str, str], list[str]]:
    """The files of the change, and why a context manager does not fit."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    found = document(root, made=made)
    misfits: list[Misfit] = []
    proposed = list(candidates(found, found["root_causes"][0], Folder(root), misfits))
    changed = [dict(each.files) for each in proposed if each.summary == inside_run.HANDED]
    assert len(changed) <= 1
    return (changed or [{}])[0], [each.why for each in misfits if each.fix == "context-manager" and each.near]


def test_a_function_between_a_run_and_the_client_gets_it_as_its_first_argument(tmp_path: Path) -> None:
    files, _ = handed(tmp_path, {"app.py": f"{HEAD}client = Client(1)  # one\n\n\n{ASK}{MAIN}{RUN}"})
    assert files["app.py"] == (
        f"{HEAD}\nasync def ask(client, text):\n    return await client.ask(text)\n\n\n"
        "async def main():\n    async with Client(1) as client:  # one\n"
        f"        return await asyncio.gather(*(ask(client, each) for each in 'ab'))\n\n\n{RUN}"
    )


SHOP = {
    "src/shop/__init__.py": "",
    "src/shop/clients.py": "from sdk import Client\n\n# for all\nclient = Client(1)\n",
    "src/shop/_ask.py": "from .clients import client, other\n\n\n"
    "async def ask(text: str) -> str:\n    return await client.ask(text)\n\n\n"
    "def later(texts):\n    return [ask(each) for each in texts]\n",
}
SHOP_MAIN = "async def main(texts):\n    return await asyncio.gather(*_ask.later(texts))\n\n\nasyncio.run(main('ab'))\n"


@pytest.mark.parametrize(
    ("path", "imported", "factory"),
    [
        ("src/shop/__main__.py", "from shop import _ask", "from shop.clients import make_client"),
        ("src/shop/__main__.py", "from . import _ask", "from .clients import make_client"),
        ("src/run.py", "import shop._ask as _ask", "from shop.clients import make_client"),
    ],
)
def test_it_follows_the_calls_over_several_files_and_plain_functions(
    tmp_path: Path, path: str, imported: str, factory: str
) -> None:
    files, _ = handed(tmp_path, {**SHOP, path: f"import asyncio\n\n{imported}\n\n\n{SHOP_MAIN}"})
    home = "from sdk import Client\n\n\n# for all\ndef make_client():\n    return Client(1)\n"
    assert files["src/shop/clients.py"] == home
    assert files["src/shop/_ask.py"] == (
        "from .clients import other\n\n\n"
        "async def ask(client, text: str) -> str:\n    return await client.ask(text)\n\n\n"
        "def later(client, texts):\n    return [ask(client, each) for each in texts]\n"
    )
    alone = {**SHOP, "src/shop/_ask.py": SHOP["src/shop/_ask.py"].replace(", other", "")}
    bare, _ = handed(tmp_path, {**alone, path: f"import asyncio\n\n{imported}\n\n\n{SHOP_MAIN}"})
    assert bare["src/shop/_ask.py"].startswith("async def ask(")
    assert f"\n{factory}\n" in files[path]
    assert "    async with make_client() as client:\n" in files[path]
    assert "_ask.later(client, texts)" in files[path]


def test_a_long_coroutine_gets_the_client_from_one_that_the_run_starts(tmp_path: Path) -> None:
    long = "".join(f"    print(await ask('{number}'))\n" for number in range(13))
    head = f"{HEAD}client = Client(1)\n\n\n{ASK}async def main(text: str):\n{long}\n\n"
    files, _ = handed(tmp_path, {"app.py": f"{head}for each in 'ab':\n    print(asyncio.run(main(each)))\n"})
    assert files["app.py"].endswith(
        "async def with_client():\n    async with Client(1) as client:\n        return await main(client, each)\n\n\n"
        "for each in 'ab':\n    print(asyncio.run(with_client()))\n"
    )
    assert "async def main(client: Client, text: str):\n    print(await ask(client, '0'))\n" in files["app.py"]


def test_what_closes_the_client_goes_with_its_creation(tmp_path: Path) -> None:
    main = MAIN.replace("return await", "await").removesuffix("\n\n") + "    await client.aclose()\n\n\n"
    files, _ = handed(
        tmp_path, {"app.py": f"{HEAD}client = Client(1)\n\n\n{ASK}{main}{RUN}asyncio.run(client.aclose())\n"}
    )
    assert "aclose" not in files["app.py"]


GIVEN_UP = {
    "handed on as a value": (ASK + MAIN.replace("ask(each) for each in 'ab'", "map(ask, 'ab')"), "hands ask on"),
    "decorated": (f"@print\n{ASK}{MAIN}", "ask, which uses the client, is decorated"),
    "offered": (f"__all__ = ['ask']\n\n\n{ASK}{MAIN}", "is named in a string"),
    "called by name": (f"{ASK}{MAIN}print(getattr(Client, 'ask'))\n", "is named in a string"),
    "called by pytest": (
        ASK.replace("ask(text)", "test_ask(text)", 1) + MAIN.replace("ask(", "test_ask("),
        "is called by pytest",
    ),
    "called outside runs": (f"{ASK}{MAIN}print(ask('c'))\n", "uses ask, and no function of a module does"),
    "called by what nobody starts": (
        f"{ASK}{MAIN}async def more():\n    await ask('c')\n\n\n",
        "no run starts more, which uses the client",
    ),
    "a method": (
        f"class Bot:\n    async def ask(self):\n        await client.ask()\n\n\n{ASK}{MAIN}",
        "uses the client",
    ),
    "the same name": (f"{ASK}{MAIN.replace('main():', 'main(client=1):')}", "has another client"),
    "defined twice": (f"{ASK}{ASK}{MAIN}", "is defined twice"),
}


@pytest.mark.parametrize("name", GIVEN_UP)
def test_it_gives_up_where_a_call_is_not_known_and_says_why(tmp_path: Path, name: str) -> None:
    body, why = GIVEN_UP[name]
    files, obstacles = handed(tmp_path, {"app.py": f"{HEAD}client = Client(1)\n\n\n{body}{RUN}"})
    assert files == {}
    assert any(why in each for each in obstacles), obstacles


def test_a_function_that_configuration_names_or_a_package_offers_stays(tmp_path: Path) -> None:
    app = {"app.py": f"{HEAD}client = Client(1)\n\n\n{ASK}{MAIN}{RUN}"}
    script = "[project.scripts]\nask = 'app:ask'\n"
    files, obstacles = handed(tmp_path / "one", {**app, "pyproject.toml": script})
    assert (files, "named in pyproject.toml" in "".join(obstacles)) == ({}, True)
    files, obstacles = handed(tmp_path / "two", {**app, "kit/__init__.py": "from app import ask\n"})
    assert (files, "is offered by kit/__init__.py" in "".join(obstacles)) == ({}, True)


def test_functions_that_other_code_can_import_come_after_what_keeps_their_parameters(tmp_path: Path) -> None:
    order = []
    for run in (RUN, f"if __name__ == '__main__':\n    {RUN}"):
        (tmp_path / "app.py").write_text(f"{HEAD}client = Client(1)\n\n\n{ASK}{MAIN}{run}", encoding="utf-8")
        found = document(tmp_path, made="Client(1)")
        proposed = [each.fix for each in candidates(found, found["root_causes"][0], Folder(tmp_path))]
        order.append(proposed.index("context-manager") < proposed.index("client-per-loop"))
    assert order == [True, False]
