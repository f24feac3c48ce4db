"""An expression that moves to another function is written with the names that are known there, or not in full."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from diagnostics.model.finding import Site
from diagnostics.sanitizer.analyze.scope import Place, expression_at, node_of, written_at

HEAD = """
import os
import httpx
URL = "http://localhost"
"""
CASES = {
    "a variable of the module": ("c = X(URL)", "async def here(): ...", "X(URL)"),
    "a builtin": ("c = X(int(5))", "async def here(): ...", "X(int(5))"),
    "an argument of another function": ("def make(url): return X(url)", "async def here(): ...", "X(...)"),
    "an argument of a call here": (
        "def make(url, seconds): return X(url, timeout=seconds)",
        "async def here(): make(URL, seconds=5)",
        "X(URL, timeout=5)",
    ),
    "an argument of a call here that a variable of it has": (
        "def make(url): return X(url)",
        "async def here():\n    mine = URL\n    make(mine)",
        "X(...)",
    ),
    "an argument of this function that a call here passes on": (
        "def make(url): return X(url)",
        "async def here(url): make(url)",
        "X(url)",
    ),
    "a closure": ("def build(url):\n    c = X(url)\n    async def here(): ...", "", "X(url)"),
    "another variable of that name": ("def build(url):\n    c = X(url)\n    async def here(url): ...", "", "X(...)"),
    "what the object keeps": (
        "class A:\n    def __init__(self, url): self.at = url; self.c = X(url)\n    async def here(self): ...",
        "",
        "X(self.at)",
    ),
    "what the object keeps of several": (
        "class A:\n    def __init__(self, u, k): self.u, self.k = u, k; self.c = X(u, k)\n    async def here(me): ...",
        "",
        "X(me.u, me.k)",
    ),
    "what the object does not keep": (
        "class A:\n    def __init__(self, url): self.c = X(url)\n    async def here(self): ...",
        "",
        "X(...)",
    ),
    "what the object of a base keeps": (
        "class A:\n    def __init__(self, url): self.at = url; self.c = X(url)",
        "class B(A):\n    async def here(self): ...",
        "X(self.at)",
    ),
    "self elsewhere": ("class A:\n    def go(self): self.c = X(self.u)", "async def here(): ...", "X(...)"),
    "a static method": (
        "class A:\n    def go(self): self.c = X(self.u)\n    @staticmethod\n    async def here(u): ...",
        "",
        "X(...)",
    ),
    "the body of a class": ("class A:\n    t = 5\n    c = X(t)\n    async def here(self): ...", "", "X(self.t)"),
    "the body of another class": ("class A:\n    t = 5\n    c = X(t)", "async def here(): ...", "X(A.t)"),
    "a variable that nothing else needs": (
        "def make():\n    limits = httpx.Limits()\n    return X(limits=limits)",
        "async def here(): ...",
        "X(limits=httpx.Limits())",
    ),
    "a variable that is changed": (
        "def make():\n    given = {}\n    given.update(a=1)\n    return X(given)",
        "async def here(): ...",
        "X(...)",
    ),
    "a variable that is awaited": (
        "async def make():\n    key = await f()\n    return X(key)",
        "async def here(): ...",
        "X(...)",
    ),
    "a variable of a loop": ("def make():\n    for u in URL: X(u)", "async def here(): ...", "X(...)"),
    "a variable of a comprehension": ("c = [X(u) for u in URL]", "async def here(): ...", "X(...)"),
    "an own variable": ("c = X([u for u in URL])", "async def here(): ...", "X([u for u in URL])"),
    "a default": ("def make(url, c=X(URL)): ...", "async def here(): ...", "X(URL)"),
    "what has connections itself": (
        "pool = httpx.AsyncClient()\nc = X(http_client=pool)",
        "async def here(): ...",
        "X(http_client=httpx.AsyncClient())",
    ),
    "unpacked options": ("def make(**options): return X(**options)", "async def here(): ...", "X(...)"),
    "a method of the object": ("class A:\n    def go(self): self.X(1)", "async def here(): ...", ""),
}


def place(text: str, file: str = "program.py", name: str = "") -> Place:
    tree = ast.parse(text)
    inside = [each for each in ast.walk(tree) if isinstance(each, ast.AsyncFunctionDef) and each.name == name]
    return Place(file, tree, inside[0] if inside else None)


def created(tree: ast.Module) -> ast.Call:
    calls = (each for each in ast.walk(tree) if isinstance(each, ast.Call))
    return next(each for each in calls if ast.unparse(each.func).rpartition(".")[2] == "X")


@pytest.mark.parametrize("case", CASES)
def test_an_expression_has_the_names_of_its_new_place(case: str) -> None:
    made, here, wanted = CASES[case]
    goal = place(f"{HEAD}\nX = httpx.AsyncClient\n{made}\n{here}\n", name="here")

    assert written_at(goal, created(goal.tree), goal).text == wanted


@pytest.mark.parametrize(
    ("here", "wanted", "imports"),
    [
        ("import httpx\nasync def here(): ...", "httpx.X()", ()),
        ("async def here(): ...", "httpx.X()", ("import httpx",)),
        ("import other as httpx\nasync def here(): ...", "", ()),
    ],
)
def test_what_another_file_imports_is_imported_in_the_new_place(
    here: str, wanted: str, imports: tuple[str, ...]
) -> None:
    origin = place("import httpx\nc = httpx.X()", "clients.py")

    found = written_at(origin, created(origin.tree), place(here, "app.py", "here"))

    assert (found.text, found.imports) == (wanted, imports)


@pytest.mark.parametrize(
    ("here", "wanted"),
    [
        ("import clients\nasync def here(): ...", "clients.X(clients.URL)"),
        ("from app import clients as made\nasync def here(): ...", "made.X(made.URL)"),
        ("from clients import X, URL as at\nasync def here(): ...", "X(at)"),
        ("from clients import X\nasync def here(): ...", "X(...)"),
        ("async def here(): ...", ""),
    ],
)
def test_what_another_file_defines_has_the_name_under_which_it_is_imported(here: str, wanted: str) -> None:
    origin = place("URL = 1\ndef X(): ...\nc = X(URL)", "clients.py")

    assert written_at(origin, created(origin.tree), place(here, "app.py", "here")).text == wanted


def test_the_expression_of_a_line_is_found_among_several(tmp_path: Path) -> None:
    file = tmp_path / "pair.py"
    file.write_text("a, b = X(1), X( 1)\n")

    found = node_of(Site(str(file), 1, "<module>", "", 13, 18), "X( 1)")

    assert found is not None
    assert found.col_offset == 13


def test_an_expression_stays_as_it_is_where_it_is() -> None:
    here = place(textwrap.dedent("async def here(url):\n    return X(url)"), name="here")

    known = expression_at(here, created(here.tree), here)

    assert known.node is not None
    assert ast.unparse(known.node) == "X(url)"
