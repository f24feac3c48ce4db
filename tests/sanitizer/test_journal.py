"""A journal can be read whatever its process was doing while it wrote."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.sanitizer.analyze.recorded import JournalReader, processes
from diagnostics.sanitizer.capture import journal as journals
from diagnostics.sanitizer.capture.facts import Fact, LoopRecord
from diagnostics.sanitizer.capture.journal import Journal
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.process import reporter
from diagnostics.sanitizer.process.reporter import ReportSettings, report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Interrupted(Journal):
    """A journal to which another thread writes each time that this one is about to."""

    def __init__(self, path: str, stack: Any) -> None:
        super().__init__(path)
        self._of_other: list[Any] = [stack] * 2

    def _write(self, entries: list[tuple[Any, ...]]) -> None:
        if self._of_other:
            self.started("subprocess", 2, ["/bin/true"], ["true"], self._of_other.pop())
        super()._write(entries)


def test_two_threads_that_start_programs_at_the_same_line_write_what_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.touch()
    stack = capture(sys._getframe())
    journal = Interrupted(str(file), stack)

    journal.started("subprocess", 1, ["/bin/true"], ["true"], stack)

    (found,) = processes(file.read_bytes())
    assert [each.process for each in found.started] == [2, 2, 1]
    assert len({*(each.stack for each in found.started)}) == 1


def test_a_forked_child_with_nothing_to_say_writes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.touch()
    journal = Journal(str(file))
    for _ in range(3):
        journal.process_forked(1, ["a blind spot of its parent"])
        journal.state(0, 0, [], ["a blind spot of its parent"])
        journal.answered()
        journal.ends("exit")
    assert file.read_bytes() == b""


@pytest.mark.parametrize("says", [lambda journal: journal.loop_created(), lambda journal: journal.blind_spots(["new"])])
def test_a_forked_child_that_says_something_writes_the_rest_as_well(
    tmp_path: Path, says: Callable[[Journal], None]
) -> None:
    file = tmp_path / "journal"
    file.touch()
    journal = Journal(str(file))
    journal.process_forked(4711, ["old"])
    says(journal)
    journal.state(0, 0, [], ["old"])
    journal.ends("exit")
    (found,) = processes(file.read_bytes())
    assert (found.parent, found.end, found.blind_spots) == (4711, "exit", ["old"])


def test_children_no_longer_append_to_a_long_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "MOST_BYTES", 1000)
    file = tmp_path / "journal"
    file.touch()
    program, child = Journal(str(file)), Journal(str(file))
    program.process_begins(1)
    for _ in range(100):
        child.process_forked(1, [])
        child.loop_created()
    assert 1000 <= file.stat().st_size < 1200
    assert processes(file.read_bytes())[-1].end == ""
    program.ends("exit")
    assert processes(file.read_bytes())[-1].end == "exit", "the program itself still does"


def test_a_report_says_that_its_journal_was_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, findings = tmp_path / "journal", tmp_path / "findings.json"
    file.touch()
    journal = Journal(str(file))
    journal.process_begins(1)
    journal.process_begins(2)
    settings = ReportSettings(str(findings), "warn", 66, None)
    report(file.read_bytes(), settings, 0)
    assert json.loads(findings.read_text())["cannot_tell"] == []
    monkeypatch.setattr(reporter, "MOST_BYTES", file.stat().st_size)
    report(file.read_bytes(), settings, 0)
    (line,) = json.loads(findings.read_text())["cannot_tell"]
    assert line == "the journal is full: of the processes that the program starts, the first 1 is in this report"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A journal of a program that starts another and makes a mistake."""
    file = tmp_path_factory.mktemp("journal") / "journal"
    file.touch()
    journal, stack = Journal(str(file)), capture(sys._getframe())
    journal.process_begins(1)
    journal.loop_created()
    journal.started("subprocess", 2, ["/bin/true"], ["true"], stack)
    journal.fact(Fact("use-after-loop-close", "error", loop=LoopRecord(None, stack), stack=stack))
    journal.state(3, 4, [], ["a blind spot"])
    journal.ends("exit")
    return file.read_bytes()


damage = st.tuples(st.sampled_from(["replaced", "lost", "written into"]), st.floats(0, 1), st.binary(max_size=40))


@given(st.lists(damage, min_size=1, max_size=4))
@settings(max_examples=200)
def test_a_damaged_journal_is_read_as_far_as_it_is_whole(whole: bytes, damages: list[tuple[str, float, bytes]]) -> None:
    data = whole
    for how, place, piece in damages:
        at = int(place * len(data))
        data = data[:at] + (b"" if how == "lost" else piece) + data[at + (0 if how == "written into" else len(piece)) :]
    for found in processes(data):
        assert len(found.facts) <= 1
        assert found.end in ("", "exit")


def test_what_follows_a_damaged_part_is_read_and_the_report_says_so(whole: bytes) -> None:
    (undisturbed,) = processes(whole)
    assert len(undisturbed.facts) == 1
    half = whole[: len(whole) // 2]
    (found,) = processes(half + whole)[-1:]
    assert (found.calls, found.end, len(found.facts)) == (3, "exit", 1)
    spots = [line for each in processes(half + whole) for line in each.blind_spots]
    assert any(line.startswith("a part of the journal is damaged") for line in spots)
    reader = JournalReader()
    for byte in whole:
        reader.feed(bytes([byte]))
    assert (reader.is_damaged, reader.processes[0].end) == (False, "exit"), "what is not there yet is not damaged"
