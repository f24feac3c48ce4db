"""What a line makes has a name in each function around it, which the calls lead to."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnostics.model.finding import Site
from diagnostics.sanitizer.analyze.runs import function_at, head
from diagnostics.sanitizer.analyze.whereabouts import name_in, names_along, object_of, users_of

CLASSES = """
class Api:
    def __init__(self, url):
        self.http = Client(url)  # 0 __init__

class Agent:
    def __init__(self, client, name="a"):
        self.kept, self.name = client, name

def build():
    client = Client()  # 0 build
    return Agent(client, "b")

def plain():
    client = Client()  # 0 plain
    return client

class Bot:
    async def start(self):
        self.session = Client()  # 0 start
"""
CASES = {
    "an object": ("async def main():\n    api = Api(1)  # 1 main", "__init__", "self.http", "api.http"),
    "an object in another": (
        "async def main():\n    agent = Agent(Api(1))  # 1 main",
        "__init__",
        "self.http",
        "agent.kept.http",
    ),
    "an object by keyword": (
        "async def main():\n    agent = Agent(client=Api(1))  # 1 main",
        "__init__",
        "self.http",
        "agent.kept.http",
    ),
    "an object of a derived class": (
        "class Own(Api): ...\nasync def main():\n    own = Own(1)  # 1 main",
        "__init__",
        "self.http",
        "own.http",
    ),
    "what a function returns": ("async def main():\n    llm = plain()  # 1 main", "plain", "client", "llm"),
    "what an object of a function keeps": (
        "async def main():\n    agent = build()  # 1 main",
        "build",
        "client",
        "agent.kept",
    ),
    "what a method keeps": (
        "async def main():\n    bot = Bot()\n    await bot.start()  # 1 main",
        "start",
        "self.session",
        "bot.session",
    ),
    "by way of a function": (
        "def give():\n    return Api(1)  # 1 give\nasync def main():\n    api = give()  # 2 main",
        "__init__",
        "self.http",
        "api.http",
    ),
    "given to what is unknown": ("async def main():\n    x = other(Api(1))  # 1 main", "__init__", "self.http", ""),
    "kept by nothing": ("async def main():\n    await Api(1).get()  # 1 main", "__init__", "self.http", ""),
}


def frames(folder: Path, text: str, first: str) -> list[Site]:
    """The frames that the comments of a program number, of which the innermost is in a function."""
    file = folder / "program.py"
    file.write_text(text)
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        order, _, function = line.partition("  # ")[2].partition(" ")
        if order and (order != "0" or function == first):
            found.append((int(order), Site(str(file), number, function, "")))
    return [site for _, site in sorted(found, key=lambda pair: pair[0])]


@pytest.mark.parametrize("case", CASES)
def test_a_function_names_what_its_calls_lead_to(tmp_path: Path, case: str) -> None:
    text, first, target, wanted = CASES[case]
    stack = frames(tmp_path, CLASSES + text + "\n", first)

    found = names_along(stack, target)

    assert found[0].name == target
    last = [each.name for each in found if each.place.inside is not None and each.place.inside.name == "main"]
    assert last == ([wanted] if wanted else [])


def test_the_outermost_function_comes_first_from_the_line_on(tmp_path: Path) -> None:
    stack = frames(tmp_path, CLASSES + "async def main():\n    api = Api(1)  # 1 main\n", "__init__")
    inside = Site(stack[0].file, 1, "other", "")

    assert [each.name for each in users_of(stack[0], [inside, *stack], "self.http")] == ["api.http", "self.http"]
    assert users_of(inside, stack, "self.http") == []


KEEPER = """
class Background:
    def __init__(self):
        self.loop = new_event_loop()

    def stop(this):
        this.loop.close()

shared = Background()

def main():
    background = Background()
    background.stop()

def other():
    shared.stop()

def first():
    loop = new_event_loop()
    loop.close()
"""


@pytest.mark.parametrize(
    ("function", "line", "name", "made", "wanted"),
    [
        ("stop", 7, "self.loop", 4, "this.loop"),
        ("main", 13, "self.loop", 4, "background.loop"),
        ("other", 16, "self.loop", 4, "shared.loop"),
        ("first", 20, "loop", 19, "loop"),
        ("main", 13, "loop", 19, ""),
        ("<module>", 9, "self.loop", 4, "shared.loop"),
    ],
)
def test_an_attribute_is_named_by_the_object(
    tmp_path: Path, function: str, line: int, name: str, made: int, wanted: str
) -> None:
    file = tmp_path / "keeper.py"
    file.write_text(KEEPER)
    place, maker = function_at(Site(str(file), line, function, "")), Site(str(file), made, "", "")
    assert place is not None

    there = function_at(maker)
    assert there is not None
    assert object_of(place, name, there) == wanted
    assert name_in(place, name, maker, [maker]) == wanted


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ("client, text", "text"),
        ("text, client=make()", "text"),
        ("text='a', client=make(), more=1", "text='a', more=1"),
        ("text, *, client=None, more", "text, *, more"),
        ("client, /, text", "text"),
        ("other", "other"),
    ],
)
def test_a_coroutine_that_makes_a_client_takes_none(tmp_path: Path, arguments: str, left: str) -> None:
    file = tmp_path / "fetch.py"
    file.write_text(f"async def fetch({arguments}):\n    ...\n")
    place = function_at(Site(str(file), 2, "fetch", ""))
    assert place is not None

    assert head(place, "client") == f"async def fetch({left}):"
