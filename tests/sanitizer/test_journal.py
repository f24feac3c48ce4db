"""A journal can be read whatever its process was doing while it wrote."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from diagnostics.sanitizer.analyze.recorded import processes
from diagnostics.sanitizer.capture.journal import Journal
from diagnostics.sanitizer.capture.sites import capture

if TYPE_CHECKING:
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
