"""Whether the journals of a run have anything to report; reading findings out of them needs many more imports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from diagnostics.model.libraries import LIBRARIES
from diagnostics.sanitizer.capture.journal import entries
from diagnostics.sanitizer.output.last_line import last_line, versions

MARK: Final = " [event-loops]"
"""What the report of a finding adds to the id of its test."""

SECTION: Final = "event loops"


def eventful(folder: str) -> bool:
    """Returns whether a process has recorded a fact."""
    return any(tag == "F" for entry in _journals(folder) for _, tag, *_ in entry)


def unremarkable(folder: str) -> str:
    """Returns the last line of a run in which there is nothing to report; empty where there may be something."""
    totals: dict[int, tuple[int, int]] = {}
    modules: set[str] = set()
    for journal in _journals(folder):
        first, used, ended = 0, False, False
        for process, tag, *fields in journal:
            first = first or process
            if tag in ("F", "") or (tag == "B" and fields[0]):
                return ""
            used, ended = used or (tag == "U" and process == first), ended or (tag == "E" and process == first)
            if tag == "T":
                totals[process] = (fields[0], fields[1])
            elif tag == "M":
                modules.update(fields[0])
        if used and not ended and first != os.getpid():
            return ""
    calls, requests = (sum(each[at] for each in totals.values()) for at in (0, 1))
    names = {name for name, row in LIBRARIES.items() if row.role in ("sdk", "client")}
    found = {name: version for name, version in versions(modules, set()).items() if name in names}
    return last_line((), calls=calls, requests=requests, versions=found)


def _journals(folder: str) -> Iterator[list[tuple[Any, ...]]]:
    for path in sorted(Path(folder).glob("*.journal")):
        yield [entry for _, entry in entries(path.read_bytes())]
