"""Each rule by its own example, programs of the sanitizer's tests, and whatever Python there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.fixes import generated
from benchmarks.fixes.corpus import with_twins, written
from diagnostics.rewrite.rules import RULES
from diagnostics.rewrite.rules.checking import alerts
from diagnostics.rewrite.rules.engine.tree import SourceTree

if TYPE_CHECKING:
    from diagnostics.rewrite.rules.records import Alert, CheckRule

RECALL = 0.88
PROGRAMS = Path(__file__).parents[2] / "sanitizer" / "programs"


def checked(folder: Path, **files: str) -> list[Alert]:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    tree = SourceTree([str(folder)])
    found = alerts(tree, RULES)
    assert tree.problems == []
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_example_of_a_mistake_has_that_one_and_its_right_form_has_none(rule: CheckRule, tmp_path: Path) -> None:
    assert [each.code for each in checked(tmp_path, app=rule.wrong)] == [rule.code]
    assert checked(tmp_path, app=rule.right) == []


def test_codes_and_names_are_unique() -> None:
    words = [word for rule in RULES for word in (rule.code, rule.name)]
    assert len(set(words)) == len(words)
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("right_*.py")), ids=lambda path: path.stem)
def test_a_correct_program_has_no_alert(program: Path) -> None:
    assert alerts(SourceTree([str(program)]), RULES) == []


def test_most_mistakes_of_the_corpus_are_found_and_no_correct_program_has_an_alert(tmp_path: Path) -> None:
    found: dict[bool, list[str]] = {True: [], False: []}
    for program in (*with_twins(written()), *generated.programs()):
        folder = program.write(tmp_path / program.name)
        reported = bool(alerts(SourceTree([str(folder)]), RULES))
        if program.fault == "none":
            assert not reported, program.name
        else:
            found[reported].append(program.name)
    recall = len(found[True]) / len([*found[True], *found[False]])
    assert recall >= RECALL, found[False]


SILENT = {
    "a finaliser that compares its loop": """
import asyncio

class Service:
    def __del__(self):
        if asyncio.get_running_loop() is self._loop:
            self._loop.create_task(self.client.aclose())
""",
    "one of two runs of a function": """
import asyncio, httpx

client = httpx.AsyncClient()

async def ask():
    await client.get("https://a.example")

def run(verbose):
    if verbose:
        return asyncio.run(ask())
    else:
        return asyncio.run(ask())

def main():
    print(run(True))
""",
    "a lock that nobody holds while it waits": """
import asyncio

lock = asyncio.Lock()
done = set()

async def note(number):
    async with lock:
        done.add(number)

async def main():
    await asyncio.gather(note(1), note(2))

for _ in range(2):
    asyncio.run(main())
""",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_what_the_source_does_not_show_to_be_wrong_has_no_alert(text: str, tmp_path: Path) -> None:
    assert checked(tmp_path, app=text) == []


def test_a_task_that_starts_itself_again_is_followed_once(tmp_path: Path) -> None:
    text = """
import asyncio

lock = asyncio.Lock()

async def again():
    async with lock:
        await asyncio.sleep(0)
        await asyncio.gather(again())

for _ in range(2):
    asyncio.run(again())
"""
    assert [each.code for each in checked(tmp_path, app=text)] == ["EL001"]
