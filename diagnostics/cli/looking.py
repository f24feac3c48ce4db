"""What a person sees while releases are tested: a line each, and on a terminal also which one is being tested."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from diagnostics.lab.bisection.releases import Release
from diagnostics.lab.bisection.session import SearchListener
from diagnostics.model.bisection import TriedRelease
from diagnostics.model.visible import visible
from diagnostics.report.formats.bisection import outcome_words


@contextmanager
def looking(package: str) -> Iterator[SearchListener]:
    """The listener that fits where standard error goes."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ReleaseLines(package, None)
        return
    with Status(f"{package}: its releases", console=console) as status:
        yield ReleaseLines(package, status)


class ReleaseLines:
    """A line a release; `status` is what stands below them while the next one is tested."""

    def __init__(self, package: str, status: Status | None) -> None:
        self._package = package
        self._status = status
        self._count = 0
        self._why = ""

    def release_started(self, release: Release, why: str) -> None:
        """Says so, where it can be taken back."""
        self._why = f", {why}" if why else ""
        if self._status is not None:
            self._status.update(f"{self._package} {release.version} ({release.day}){self._why}", spinner_style="dim")

    def release_finished(self, tried: TriedRelease) -> None:
        """Says what came out."""
        self._count += 1
        result = outcome_words(tried.outcome) if tried.outcome else f"no outcome: {tried.reason}"
        line = f"[{self._count}] {self._package} {tried.version} ({tried.day}){self._why}: {visible(result)[:240]}"
        if self._status is not None:
            self._status.console.print(line, markup=False, highlight=False)
        else:
            sys.stderr.write(line + "\n")
