"""One file and one row an edit: the changes that `fix` tries.

An edit proposes where its pattern fits, and the proof decides: a change is never applied because it looks right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from diagnostics.rewrite.edits import (
    awaited,
    background_loop,
    client_per_loop,
    close_loop,
    closed_first,
    dependency,
    entered,
    fixture,
    inside_run,
    lifespan,
    lock_per_loop,
    no_pool,
    owning_loop,
    passed,
    runner,
    scope,
    single_run,
    stream,
    task,
)
from diagnostics.rewrite.edits.context import Context
from diagnostics.rewrite.edits.program import ParsedProgram, Rewrite
from diagnostics.rewrite.records import Candidate, Misfit, Source


class Edit(NamedTuple):
    """One edit.

    Attributes:
        fix: its name; that of a fix of the matrix where there is one.
        summary: what it does, as advice.
        propose: yields changes for a root cause.
        needs: what a program must have for it.
    """

    fix: str
    summary: str
    propose: Callable[[Context], Iterator[Rewrite]]
    needs: str


EDITS: Final = (
    Edit("close-stream", stream.SUMMARY, stream.propose, "it is for a streamed answer that is left"),
    Edit("await-close", awaited.SUMMARY, awaited.propose, "every call that closes is awaited"),
    Edit("async-fixture", fixture.SUMMARY, fixture.propose, "no pytest fixture makes the client"),
    Edit("context-manager", dependency.SUMMARY, dependency.propose, "no dependency of FastAPI returns the client"),
    Edit("context-manager", scope.ENTERED, scope.enter, "it is for a client that is left open"),
    Edit("context-manager", inside_run.SUMMARY, inside_run.propose, "it is for a client of a module"),
    Edit("context-manager", passed.SUMMARY, passed.propose, "no run gets the client as an argument"),
    Edit("context-manager", inside_run.HANDED, inside_run.hand_down, "no code between a run and the client is its own"),
    Edit("lifespan", lifespan.SUMMARY, lifespan.propose, "there is no server application beside the client"),
    Edit("explicit-close", scope.COMPLETED, scope.complete, "it is for a client that an object keeps"),
    Edit("explicit-close", scope.CLOSED, scope.close, "it is for a client that is left open"),
    Edit("explicit-close", closed_first.SUMMARY, closed_first.propose, "no loop of this client is closed by hand"),
    Edit("context-manager", entered.SUMMARY, entered.propose, "no coroutine gets a client that is left open"),
    Edit("end-task", task.SUMMARY, task.propose, "it is for a task that is pending when its loop closes"),
    Edit("runner", runner.SUMMARY, runner.propose, "no loop of this root cause is made by hand"),
    Edit("close-loop", close_loop.SUMMARY, close_loop.propose, "it is for a loop that nobody closes"),
    Edit("owning-loop", owning_loop.SUMMARY, owning_loop.propose, "it is for a thread that runs a loop of its own"),
    Edit("client-per-loop", lock_per_loop.SUMMARY, lock_per_loop.propose, "it is for locks that a dictionary keeps"),
    Edit("client-per-loop", client_per_loop.SUMMARY, client_per_loop.propose, "nothing of the program's own is shared"),
    Edit("background-loop", background_loop.SUMMARY, background_loop.propose, "no plain code runs the coroutines"),
    Edit("single-run", single_run.SUMMARY, single_run.propose, "no asyncio.run of the module starts them"),
    Edit("context-manager", inside_run.HANDED, inside_run.hand_down_anywhere, "no call between is known"),
    Edit("no-keepalive", no_pool.SUMMARY, no_pool.propose, "the library has no option for it"),
    Edit("await-close", awaited.SUMMARY, awaited.propose_others, "every call that closes is awaited"),
)
"""Every edit, the smallest change first among those that the measured ranking treats alike."""


def candidates(
    document: Mapping[str, Any], root_cause: Mapping[str, Any], source: Source, misfits: list[Misfit] | None = None
) -> Iterator[Candidate]:
    """Yields the changes for a root cause, the best first.

    Args:
        document: what `run --json` wrote.
        root_cause: one of its root causes.
        source: the program's files.
        misfits: gets the fixes without a change, each before the next candidate.
    """
    argv = document["program"]["argv"]
    program = ParsedProgram(source, argv[0] if argv else "")
    context = Context(document, root_cause, program)
    seen: list[dict[str, str]] = []
    for edit in EDITS:
        program.obstacles.clear()
        before = len(seen)
        for changes in edit.propose(context):
            files = changes.files()
            if files and files not in seen:
                seen.append(files)
                yield Candidate(edit.fix, edit.summary, files)
        if misfits is not None and len(seen) == before:
            why = next(iter(program.obstacles), "")
            misfits.append(Misfit(edit.fix, why or edit.needs, near=bool(why)))
