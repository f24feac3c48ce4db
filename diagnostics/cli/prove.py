"""`python -m diagnostics prove`: judges anybody's change of a program by runs before and after it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.cli import proving as of
from diagnostics.model.errors import InvalidInput
from diagnostics.rewrite.proof.patches import between
from diagnostics.rewrite.proof.prover import TRIALS
from diagnostics.workflows.fix import FixRequest, checked_words, judge_change, prover_of, tree_of

_BEFORE = typer.Option(help="The folder of the program without the change.", file_okay=False)
_AFTER = typer.Option(help="The same folder with the change.", file_okay=False)


def prove(
    program: Annotated[list[str] | None, of.PROGRAM_WORDS] = None,
    before: Annotated[Path, _BEFORE] = Path(),
    after: Annotated[Path | None, _AFTER] = None,
    trials: Annotated[int, of.TRIALS] = TRIALS,
    limit: Annotated[float, of.LIMIT] = 60.0,
    python: Annotated[str | None, of.PYTHON] = None,
    env: Annotated[list[str] | None, of.ENV] = None,
    network: Annotated[bool, of.NETWORK] = False,
    yes: Annotated[bool, of.YES] = False,
    json_file: Annotated[Path | None, of.JSON] = None,
) -> None:
    """Judge a change of your program by runs before and after it.

    Accepted is a change after which no root cause is left in any run, the
    output is that of the program when it works, every call is sent once, and
    nothing is left open.

    Example: python -m diagnostics prove --before old --after new app.py

    Exit status: 0 accepted; 1 refused, with the reason; 2 invalid usage; 130 interrupted.
    """
    if after is None:
        raise InvalidInput("--after is missing; name the folder with the change, or use fix --patch FILE")
    of.check_folder("--json", json_file)
    tree = tree_of(before)
    changed = between(tree, tree_of(after).root)
    words = checked_words(program or (), tree.root)
    if not changed.changed:
        raise InvalidInput(f"no Python file of {after} differs from {before}, so there is no change to judge")
    of.ask(words, tree.root, f"3 times or more, and changed up to {trials} times", limit, network=network, yes=yes)
    steps = of.Steps()
    request = FixRequest(words, of.interpreter(python), of.variables(env), network, limit, trials)
    with of.reported(steps), prover_of(request, tree, steps) as prover:
        fixed = judge_change(prover, changed)
    if json_file is not None:
        of.write_result(json_file, fixed)
    assert fixed.proof is not None
    of.say(*(f"found: {each}" for each in fixed.causes))
    of.say(*(f"  {each}" for each in fixed.proof.evidence))
    of.say("accepted" if fixed.proof.accepted else f"refused: {fixed.proof.reason}")
    sys.exit(0 if fixed.proof.accepted else 1)
