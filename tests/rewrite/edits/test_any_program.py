"""What every edit keeps, whatever the program looks like: syntax, comments, line ends, and public names."""

from __future__ import annotations

import ast
import io
import tempfile
import tokenize
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.rewrite.edits import candidates
from diagnostics.rewrite.proof.copies import Tree
from diagnostics.rewrite.records import Candidate
from tests.rewrite.edits.test_edits import document

KINDS = ("client-left-open", "cross-loop-use", "use-after-loop-close", "inherited-connection", "unclosed-at-exit")
CLOSERS = ("async with", "await aclose()", "close(); await wait_closed()", "")
HEADS = ("", "# -*- coding: latin-1 -*-\n# Gr\xfc\xdfe\n", '"""Text."""\n\nfrom __future__ import annotations\n\n')
MADE = {
    "module": "client = Client(1)  # made\n\n\nasync def ask(text):\n{i}# asks\n{i}return await client.ask(text)\n",
    "function": "async def ask(text):\n{i}client = Client(1)  # made\n{i}return await client.ask(text)  # asks\n",
    "global": (
        "client = None\n\n\nasync def ask(text):\n{i}global client\n{i}if client is None:\n"
        "{i}{i}client = Client(1)  # made\n{i}# asks\n{i}return await client.ask(text)\n"
    ),
    "class": (
        "class Bot:\n{i}def __init__(self):\n{i}{i}self.client = Client(1)  # made\n\n{i}async def ask(self, text):\n"
        "{i}{i}# asks\n{i}{i}return await self.client.ask(text)\n\n\nasync def ask(text):\n{i}bot = Bot()\n"
        "{i}return await bot.ask(text)\n"
    ),
    "argument": (
        "client = Client(1)  # made\n\n\nasync def send(client, text):\n{i}return await client.ask(text)  # asks\n\n\n"
        "def ask(text):\n{i}return asyncio.run(send(client, text))\n"
    ),
}
RUNS = ("asyncio.run(ask('a'))\n", "for text in 'ab':\n{i}# again\n{i}print(asyncio.run(ask(text)))  # run\n")
RIGHT = "async def ask(text):\n{i}async with Client(1) as client:  # made\n{i}{i}return await client.ask(text)\n"
BESIDE = "\n\nunused = {{ 'x':1 }}  # as it is\n\ndef  other ( a,b ) :\n{i}return (a\n{i}{i}+ b)\n\n\n"


@st.composite
def programs(draw: st.DrawFn, bodies: st.SearchStrategy[str]) -> bytes:
    """A program with a client somewhere, as bytes."""
    head = draw(st.sampled_from(HEADS))
    body = f"{draw(bodies)}{BESIDE}{draw(st.sampled_from(RUNS))}".format(i=draw(st.sampled_from(("    ", "  ", "\t"))))
    text = f"{head}import asyncio\n\nfrom sdk import Client\n\n{body}"
    text = text.replace("\n", draw(st.sampled_from(("\n", "\r\n"))))
    return text.encode("latin-1" if "latin-1" in head else "utf-8")


def proposed(program: bytes, kind: str, closer: str) -> tuple[str, list[tuple[Candidate, bytes]]]:
    """The text of a program, and its candidates with the bytes that they would write."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "app.py").write_bytes(program)
        found = document(root, kind=kind, made="Client(1)", closer=closer)
        tree = Tree(root)
        listed = list(candidates(found, found["root_causes"][0], tree))
        return tree.read("app.py"), [(each, tree.with_files(each.files).encoded()["app.py"]) for each in listed]


def comments(program: bytes) -> Counter[str]:
    return Counter(
        each.string for each in tokenize.tokenize(io.BytesIO(program).readline) if each.type == tokenize.COMMENT
    )


def public(tree: ast.AST) -> set[tuple[str, str]]:
    """The functions and classes of a program, with their parameters."""
    found = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return {(each.name, "" if isinstance(each, ast.ClassDef) else ast.unparse(each.args)) for each in found}


@settings(max_examples=40, deadline=None)
@given(programs(st.sampled_from([*MADE.values()])), st.sampled_from(KINDS), st.sampled_from(CLOSERS))
def test_a_candidate_changes_nothing_else(program: bytes, kind: str, closer: str) -> None:
    text, listed = proposed(program, kind, closer)
    beside = next(line for line in text.splitlines(keepends=True) if line.startswith("unused"))
    kept = text[text.index(beside) : text.index("+ b)")]
    for candidate, changed in listed:
        tree = ast.parse(changed)
        assert public(ast.parse(program)) <= public(tree), candidate.fix
        assert kept in candidate.files["app.py"], candidate.fix
        lost = comments(program) - comments(changed)
        assert not lost, (candidate.fix, lost)
        assert (b"\r\n" in program) == (b"\r\n" in changed), candidate.fix
        assert changed.count(b"\n") - changed.count(b"\r\n") in (0, changed.count(b"\n")), candidate.fix


@settings(max_examples=20, deadline=None)
@given(programs(st.just(RIGHT)), st.sampled_from(("client-left-open", "unclosed-at-exit")))
def test_a_program_that_is_right_gets_no_candidate(program: bytes, kind: str) -> None:
    assert [each.fix for each, _ in proposed(program, kind, "async with")[1]] == []
