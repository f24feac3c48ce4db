"""One file and one row an edit: the changes that `fix` tries.

An edit proposes where its pattern fits, and the proof decides: a change is never applied because it looks right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from diagnostics.rewrite.edits import (
    awaited,
    client_per_loop,
    fixture,
    inside_run,
    no_pool,
    owning_loop,
    runner,
    scope,
    single_run,
    stream,
)
from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import ParsedProgram, Rewrite
from diagnostics.rewrite.records import Candidate, Source


class Edit(NamedTuple):
    """One edit.

    Attributes:
        fix: its name; that of a fix of the matrix where there is one.
        summary: what it does, as advice.
        propose: yields changes for a root cause.
    """

    fix: str
    summary: str
    propose: Callable[[Context], Iterator[Rewrite]]


EDITS: Final = (
    Edit("close-stream", stream.SUMMARY, stream.propose),
    Edit("await-close", awaited.SUMMARY, awaited.propose),
    Edit("async-fixture", fixture.SUMMARY, fixture.propose),
    Edit("context-manager", scope.ENTERED, scope.enter),
    Edit("context-manager", inside_run.SUMMARY, inside_run.propose),
    Edit("explicit-close", scope.COMPLETED, scope.complete),
    Edit("explicit-close", scope.CLOSED, scope.close),
    Edit("runner", runner.SUMMARY, runner.propose),
    Edit("owning-loop", owning_loop.SUMMARY, owning_loop.propose),
    Edit("client-per-loop", client_per_loop.SUMMARY, client_per_loop.propose),
    Edit("single-run", single_run.SUMMARY, single_run.propose),
    Edit("no-keepalive", no_pool.SUMMARY, no_pool.propose),
)
"""Every edit, the smallest change first among those that the measured ranking treats alike."""


def candidates(document: Mapping[str, Any], root_cause: Mapping[str, Any], source: Source) -> Iterator[Candidate]:
    """Yields the changes for a root cause, the best first.

    Args:
        document: what `run --json` wrote.
        root_cause: one of its root causes.
        source: the program's files.
    """
    argv = document["program"]["argv"]
    program = ParsedProgram(source, argv[0] if argv else "")
    context = Context(document, root_cause, program)
    seen: list[dict[str, str]] = []
    for edit in EDITS:
        for changes in edit.propose(context):
            files = changes.files()
            if files and files not in seen:
                seen.append(files)
                yield Candidate(edit.fix, edit.summary, files)
