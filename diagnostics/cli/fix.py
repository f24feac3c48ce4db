"""`python -m diagnostics fix`: changes a program until no root cause is left, and proves the change."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.cli import proving as of
from diagnostics.extras import install
from diagnostics.model.errors import CommandError, InvalidUsage, known
from diagnostics.rewrite.proof.copies import Tree, sources
from diagnostics.rewrite.proof.interface import taken
from diagnostics.rewrite.proof.patches import apply_patch, check_committed, patch_of, write, write_patch
from diagnostics.rewrite.proof.prover import TRIALS
from diagnostics.rewrite.records import Candidate
from diagnostics.workflows.fix import (
    Candidates,
    FixRequest,
    checked_words,
    fix_program,
    judge_change,
    prover_of,
    tree_of,
)

_PATCH = typer.Option("--patch", dir_okay=False, help="Judge this patch instead of making changes.")
_OUTPUT = typer.Option("--patch-output", dir_okay=False, help="Write the patch to this file.")
_WRITE = typer.Option("--write/--diff", help="Change the files if the change is proven, or print the patch.")
_FORCE = typer.Option("--force", help="With --write, change files that have uncommitted changes, too.")
_FIX = typer.Option("--fix", help="Try this fix only, such as context-manager.", metavar="NAME")
_ONLY = typer.Option(help="Change this file only; repeatable.", metavar="FILE")


def fix(
    program: Annotated[list[str] | None, of.PROGRAM_WORDS] = None,
    writes: Annotated[bool, _WRITE] = False,
    force: Annotated[bool, _FORCE] = False,
    name: Annotated[str | None, _FIX] = None,
    only: Annotated[list[str] | None, _ONLY] = None,
    patch: Annotated[Path | None, _PATCH] = None,
    trials: Annotated[int, of.TRIALS] = TRIALS,
    limit: Annotated[float, of.LIMIT] = 60.0,
    python: Annotated[str | None, of.PYTHON] = None,
    env: Annotated[list[str] | None, of.ENV] = None,
    network: Annotated[bool, of.NETWORK] = False,
    yes: Annotated[bool, of.YES] = False,
    patch_output: Annotated[Path | None, _OUTPUT] = None,
    json_file: Annotated[Path | None, of.JSON] = None,
) -> None:
    """Change your program until no root cause is left, and prove the change by runs.

    Standard output gets the patch, for `git apply`; everything else goes to
    standard error. Without --write, no file changes.

    Example: python -m diagnostics fix app.py

    Example: python -m diagnostics fix --write --yes -- -m pytest tests

    Exit status: 0 a change is proven, or there is nothing to fix; 1 none is
    proven, or the fault is in a package; 2 invalid usage; 130 interrupted.
    """
    tree = tree_of(Path.cwd())
    of.check_folder("--json", json_file)
    of.check_folder("--patch-output", patch_output)
    words = checked_words(program or (), tree.root)
    request = FixRequest(
        words, of.interpreter(python), of.variables(env), network, limit, trials, name, _inside(only or [], tree)
    )
    read = sources(tree.root)
    changed = apply_patch(tree, patch) if patch is not None else None
    if writes and changed is not None:
        check_committed(changed, force=force)
    candidates = _candidates(name) if changed is None else _none
    runs = f"at least 3 times, and each change of it up to {trials} times"
    of.ask(words, tree.root, runs, limit, network=network, yes=yes)
    steps = of.Steps()
    with of.reported(steps), prover_of(request, tree, steps) as prover:
        fixed = judge_change(prover, changed) if changed else fix_program(prover, candidates, request)
    lost = taken(fixed.tree)
    if json_file is not None:
        of.write_result(json_file, fixed)
    if fixed.outcome == "proven":
        if patch_output is not None:
            write_patch(patch_output, fixed.tree)
        elif str(json_file) != "-":
            of.show_patch(patch_of(fixed.tree))
        if writes:
            write(fixed.tree, read, force=force)
    of.say(*of.lines(fixed, written=writes, lost=lost))
    sys.exit(0 if fixed.outcome in ("proven", "nothing") else 1)


def _candidates(name: str | None) -> Candidates:
    try:
        edits = import_module("diagnostics.rewrite.edits")
    except ImportError as error:
        raise CommandError(f"{error.name} is missing: {install('fix')}") from error
    known("fix", [name] if name else [], list(dict.fromkeys(each.fix for each in edits.EDITS)))
    found: Candidates = edits.candidates
    return found


def _none(*_: object) -> Iterator[Candidate]:
    yield from ()


def _inside(files: list[str], tree: Tree) -> tuple[str, ...]:
    for file in files:
        if not (tree.root / file).resolve().is_relative_to(tree.root) or not (tree.root / file).is_file():
            raise InvalidUsage(f"--only: there is no file {file} in {tree.root}")
    return tuple((tree.root / file).resolve().relative_to(tree.root).as_posix() for file in files)
