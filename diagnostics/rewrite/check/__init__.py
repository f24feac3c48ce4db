"""`python -m diagnostics check`: reads source code and prints what the rules find. Needs only the standard library."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from diagnostics.model.errors import FAILED, PROGRAM, CommandError, exit_with
from diagnostics.rewrite.check import options
from diagnostics.rewrite.check.confirm import confirmed
from diagnostics.rewrite.check.formats import FORMATS
from diagnostics.rewrite.rules.checking import alerts
from diagnostics.rewrite.rules.engine.tree import SourceTree
from diagnostics.sanitizer.output import stderr
from diagnostics.sanitizer.output.drawing import style
from diagnostics.sanitizer.output.last_line import plural


def main(arguments: Sequence[str]) -> int:
    """Runs the command.

    Returns:
        The exit status: 0 nothing found, 1 something found, 2 invalid usage.
    """
    try:
        given = options.read(arguments)
        gc.disable()  # syntax trees stay until the end, and walking them again and again finds nothing
        try:
            tree = SourceTree(given.paths)
            found = alerts(tree, given.rules)
        finally:
            gc.enable()
        for problem in tree.problems:
            stderr.write(f"warning: {problem}\n")
        if given.program and found:
            all_found, found = found, confirmed(found, given.program)
            stderr.write(f"diagnostics: the run shows {len(found)} of {plural(len(all_found), 'alert')}\n")
    except CommandError as error:
        exit_with(error, f"{PROGRAM} check")
    except SystemExit as end:
        return int(end.code or 0)
    look = style(given.color, stream=sys.stdout)
    try:
        sys.stdout.write(FORMATS[given.format](found, look))
        sys.stdout.flush()
    except BrokenPipeError:  # what is still in the buffer goes nowhere, or the interpreter complains at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        stderr.write(f"error: cannot write to standard output ({error.strerror})\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return 1 if found else 0
