"""The corpus of `benchmarks/fixes`: its metadata, and the hidden tests of the programs that need no package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.fixes import generated, patches
from benchmarks.fixes.corpus import FAULTS, SERVERS, Program, with_twins, written
from benchmarks.fixes.figures import markdown
from benchmarks.fixes.hidden import can_be_called, problems
from benchmarks.fixes.running import Outcome, changes
from benchmarks.fixes.surroundings import Surroundings, surroundings
from diagnostics.model.words import FINDING_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator


PROGRAMS = [*written(), *generated.programs()]
PLAIN = [program for program in PROGRAMS if program.name in ("queue_module", "streams_kept", "subprocess_kept")]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_the_metadata_describe_the_program(program: Program, tmp_path: Path) -> None:
    assert program.fault in FAULTS
    assert program.server in SERVERS
    assert program.source
    assert (program.fault == "none") == (not program.kinds)
    assert {*program.kinds} <= {*FINDING_KINDS}
    assert program.command[-1] in program.files
    assert program.test.output
    for each in (program, program.twin()):
        folder = each.write(tmp_path / each.name)
        assert [name for name in program.test.names if not can_be_called(name, folder)] == []


def test_a_third_has_a_right_fix_by_hand() -> None:
    assert sum(bool(program.right) for program in PROGRAMS) * 3 >= len(with_twins(PROGRAMS))


def test_the_corpus_is_as_large_as_promised_and_each_program_has_a_name() -> None:
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS) >= 60
    assert sum("/pull/" in program.source for program in PROGRAMS) >= 20


def test_twelve_wrong_changes_have_a_reason_and_change_their_program() -> None:
    changes = patches.wrong(PROGRAMS)
    assert len(changes) == 12
    for change in changes:
        assert change.reason
        assert [name for name, text in change.files.items() if change.before.files[name] == text] == []
    assert {change.name for change in patches.right(PROGRAMS)} == {*patches.RIGHT}


def test_lines_that_only_move_are_counted_apart() -> None:
    before = {"app.py": "client = make()\nuse(client)\n", "other.py": "x = 1\n"}
    after = {"app.py": "with make() as client:\n    use(client)\n", "other.py": "x = 1\n", "tools.py": "y = 2\n"}
    assert changes(before, after) == (4, 2, ["tools.py"])


@pytest.mark.parametrize(
    ("expected", "status", "lines", "hidden", "right"),
    [
        ("patch", 0, 4, [], True),
        ("patch", 0, 4, ["output"], False),
        ("patch", 1, 0, [], False),
        ("nothing", 0, 0, [], True),
        ("nothing", 0, 4, [], False),
        ("nothing", 2, 0, [], False),
        ("reject", 1, 0, [], True),
        ("reject", 0, 0, [], False),
        ("accept", 0, 0, [], True),
        ("accept", None, 0, [], False),
    ],
)
def test_an_outcome_is_right_where_it_is_what_the_program_asks_for(
    expected: str, status: int | None, lines: int, hidden: list[str], right: bool
) -> None:
    outcome = Outcome("k", "name", "fix", expected, status, 1.0, "a | b", lines, 0, [], hidden)
    assert outcome.right is right
    assert ("**" in markdown([outcome])) is not right


@pytest.fixture(scope="module")
def around() -> Iterator[Surroundings]:
    with surroundings(Path(sys.executable)) as found:
        yield found


@pytest.mark.slow
@pytest.mark.parametrize("program", PLAIN, ids=lambda program: program.name)
def test_a_hidden_test_accepts_the_right_fix_and_nothing_else(
    program: Program, around: Surroundings, tmp_path: Path
) -> None:
    right = program.twin()
    assert problems(right, right.write(tmp_path / "right"), around) == []
    assert problems(program, program.write(tmp_path / "stub", dict.fromkeys(program.files, "")), around)
