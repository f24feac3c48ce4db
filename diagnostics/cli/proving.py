"""What `fix` and `prove` have in common: their options, the question before anything runs, and what a person reads."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.syntax import Syntax

from diagnostics.cli.signals import interruptible
from diagnostics.lab.server import ServerError
from diagnostics.model.errors import PROGRAM, CommandError, CommandInterrupted, InvalidUsage
from diagnostics.model.visible import visible
from diagnostics.rewrite.proof.interface import taken
from diagnostics.rewrite.proof.patches import patch_of
from diagnostics.sanitizer.output import json_document
from diagnostics.sanitizer.output.redact import command_line, redact, redact_text
from diagnostics.workflows.fix import Fixed

PROGRAM_WORDS = typer.Argument(
    metavar="SCRIPT [ARGS] | -- -m MODULE [ARGS]", help="The program; all its own files are in this folder."
)
TRIALS = typer.Option(
    min=1,
    help="Run a changed program this many times; 20 clean runs rule out faults that show in over one run of seven.",
)
LIMIT = typer.Option(min=1, metavar="S", help="End a run after S seconds.")
PYTHON = typer.Option(metavar="PATH", help="Run the program with this interpreter; by default the one that runs this.")
ENV = typer.Option("--env", metavar="NAME=VALUE", help="Set a variable for the program; repeatable.")
NETWORK = typer.Option("--network", help="Let SDKs call their real services, which may bill every run.")
YES = typer.Option("--yes", "-y", help="Do not ask before the program runs.")
JSON = typer.Option("--json", metavar="FILE", help="Write the result to FILE as JSON; - is standard output.")

_START: Final = 8
"""Lines of a long new file that a terminal shows."""

SCHEMA: Final = "diagnostics.fix/1"


def interpreter(path: str | None) -> Path:
    """Returns the interpreter of the program.

    Raises:
        InvalidUsage: there is none.
    """
    found = shutil.which(path or sys.executable)
    if found is None:
        raise InvalidUsage(f"--python: there is no interpreter {path}; name a file such as .venv/bin/python")
    return Path(found).absolute()


def variables(given: Sequence[str] | None) -> dict[str, str]:
    """Returns what `--env` sets.

    Raises:
        InvalidUsage: one has no value.
    """
    for each in given or ():
        if "=" not in each:
            raise InvalidUsage(f"--env needs NAME=VALUE, not {each!r}")
    return {name: value for name, _, value in (each.partition("=") for each in given or ())}


def check_folder(option: str, file: Path | str | None) -> None:
    """Refuses a file that could not be written in the end, before anything runs.

    Raises:
        InvalidUsage: its folder is missing.
    """
    if file is not None and str(file) != "-" and not Path(file).absolute().parent.is_dir():
        raise InvalidUsage(f"{option}: there is no folder {Path(file).parent}; create it, or name another file")


def ask(words: Sequence[str], folder: Path, runs: str, limit: float, *, network: bool, yes: bool) -> None:
    """Says what will run, and asks on a terminal.

    Raises:
        CommandError: the answer is no.
        CommandInterrupted: there is no answer.
    """
    where = f"in copies of {folder.name}/, for at most {limit:g} s each"
    services = "SDKs call their real services" if network else "SDKs call a local server, so nothing is billed"
    sys.stderr.write(f"{visible(' '.join(command_line(list(words))))} will run {runs}, {where}; {services}\n")
    try:
        if not yes and sys.stdin.isatty() and not typer.confirm("Go on?", default=True, err=True):
            raise CommandError("nothing was run")
    except typer.Abort:  # Ctrl-C, or the end of the input
        raise CommandInterrupted("interrupted; nothing was run") from None


class Steps:
    """Reports progress to a terminal, on one line that it clears; elsewhere each step once."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._last = ""

    def __call__(self, what: str, done: int, of: int) -> None:
        """Reports how many runs are done."""
        if self._terminal:
            sys.stderr.write(f"\r\x1b[K{what}: {done} of {of}")
            sys.stderr.flush()
        elif what != self._last:
            sys.stderr.write(f"{what}\n")
        self._last = what

    def clear(self) -> None:
        """Removes the line."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")


@contextmanager
def reported(steps: Steps) -> Iterator[None]:
    """Turns what stops a proof into one line; nothing has been changed then."""
    try:
        with interruptible():
            yield
    except ServerError as error:
        raise CommandError(str(error)) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"a file is not text in its own encoding ({error}); nothing was changed") from error
    except OSError as error:
        raise CommandError(f"the program cannot be copied and run: {error}; nothing was changed") from error
    except KeyboardInterrupt:
        raise CommandInterrupted("interrupted; nothing was changed") from None
    finally:
        steps.clear()


def folded(patch: str) -> str:
    """Returns a patch for a person to read: of a long new file, such as the drop-in module, the start."""
    files: list[list[str]] = []
    for line in patch.splitlines(keepends=True):
        if line.startswith("--- ") or not files:
            files.append([])
        files[-1].append(line)
    return "".join(
        "".join(lines[:_START]) + f"… {len(lines) - _START:,} more lines\n"
        if lines[0].startswith("--- /dev/null") and len(lines) > 2 * _START
        else "".join(lines)
        for lines in files
    )


def show_patch(patch: bytes) -> None:
    """Prints a patch to standard output: coloured on a terminal, as `git apply` takes it elsewhere."""
    if not patch:
        return
    if sys.stdout.isatty():
        Console().print(Syntax(visible(folded(patch.decode(errors="replace"))), "diff", background_color="default"))
    else:
        sys.stdout.buffer.write(patch)
        sys.stdout.flush()


def write_result(file: Path, fixed: Fixed) -> None:
    """Writes what `--json` names; the patch as it is, everything else without secrets.

    Raises:
        CommandError: the disk refuses.
    """
    proof = fixed.proof
    data: dict[str, Any] = redact(
        {
            "schema": SCHEMA,
            "outcome": fixed.outcome,
            "root_causes": fixed.causes,
            "fixes": [{"fix": each.fix, "summary": each.summary} for each in fixed.applied],
            "attempts": [vars(each) for each in fixed.attempts],
            "skipped": [{"fix": each.fix, "reason": each.why} for each in fixed.skipped],
            "reason": proof.reason if proof else "",
            "evidence": proof.evidence if proof else (),
            "runs": proof.runs if proof else 0,
            "advice": fixed.advice,
            "taken": taken(fixed.tree),
        }
    )
    data["patch"] = patch_of(fixed.tree).decode(errors="surrogateescape")
    try:
        json_document.write_text(str(file), json.dumps(data, indent=1) + "\n")
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}; choose another --json FILE") from error


def say(*said: str) -> None:
    """Prints lines to standard error, without secrets."""
    for line in said:
        sys.stderr.write(f"{visible(redact_text(line))}\n")


def lines(fixed: Fixed, *, written: bool, lost: Sequence[str] = ()) -> list[str]:
    """Returns what `fix` prints about its result; the last line is the conclusion.

    Args:
        lost: what `taken` said before the files were written.
    """
    if fixed.outcome == "nothing":
        return [*fixed.advice, "nothing to fix: no client, connection or loop outlived another"]
    said = [f"found: {each}" for each in fixed.causes]
    if fixed.outcome == "third-party":
        issue = f"{PROGRAM} repro --here, then {PROGRAM} report reports/latest --for PROJECT"
        return [
            *said,
            *(f"help: {each}" for each in fixed.advice),
            f"the fault is in a package; for its issue: {issue}",
        ]
    assert fixed.proof is not None or not fixed.attempts
    if fixed.outcome == "unproven":
        said += [*_tried(fixed), *_unfit(fixed), *(f"help: {each}" for each in fixed.advice)]
        best = fixed.applied[-1].fix if fixed.applied else ""
        why = f"the best attempt, {best}, failed: {fixed.proof.reason}" if fixed.proof else "no fix fits this code"
        return [*said, f"no change is proven, and nothing was changed; {why}"]
    assert fixed.proof is not None
    said += _tried(fixed)
    said += [f"fix: {each.fix}: {each.summary}" for each in fixed.applied]
    said += [f"note: for code outside this folder, {each}" for each in lost]
    files = ", ".join(sorted(fixed.tree.changed))
    done = f"proven, and written: {files}" if written else f"proven; to change {files}, add --write"
    return [*said, *(f"  {each}" for each in fixed.proof.evidence), done]


def _tried(fixed: Fixed) -> list[str]:
    """Returns what was tried and refused, a line for each reason; that of the best attempt is in the last line."""
    known = fixed.proof.reason if fixed.proof and not fixed.proof.accepted else ""
    return _joined("tried", [(each.fix, each.reason) for each in fixed.attempts if each.reason not in ("", known)])


def _unfit(fixed: Fixed) -> list[str]:
    """Returns which code is in the way of a fix, a line for each reason."""
    return _joined("no place for", [(each.fix, each.why) for each in fixed.skipped if each.near])


def _joined(what: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    fixes: dict[str, dict[str, None]] = {}
    for fix, why in pairs:
        fixes.setdefault(why, {})[fix] = None
    return [f"{what} {', '.join(names)}: {why}" for why, names in fixes.items()]
