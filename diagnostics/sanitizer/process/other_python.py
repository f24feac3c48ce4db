"""`--python`: the command continues in the interpreter of the program, where the tool is installed in another one.

Nothing has to be installed there. The analysis then reads the versions and the sources that the program uses.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Final

from diagnostics.sanitizer.output.formats.changes import Changes, NoChanges
from diagnostics.sanitizer.process.options import OptionError

_HOME: Final = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CONTINUED: Final = "DIAGNOSTICSCONTINUED"
"""Set for the interpreter that `--python` names, and removed there: it is not asked to continue a second time."""

_MAIN: Final = """\
import sys
if sys.version_info < (3, 10):
    sys.exit("error: diagnostics needs Python 3.10 or newer, and --python is " + sys.version.split()[0])
sys.path[:] = [{home!r}, *filter(None, sys.path)]
from diagnostics.model.visible import use_any_console
from diagnostics.sanitizer.process.command import main
from diagnostics.sanitizer.process.other_python import no_changes
sys.path.append(sys.path.pop(0))  # the versions that are read are those of this interpreter
use_any_console()
sys.exit(main(sys.argv[1:], no_changes))
"""


def no_changes(_: object) -> list[Changes]:
    """Says why a report of another interpreter has no patch.

    Raises:
        NoChanges: always.
    """
    raise NoChanges("`run` makes one without --python only")


def continued(arguments: list[str]) -> list[str]:
    """Returns what follows an interpreter that runs the command; `CONTINUED` is to be set for it."""
    return ["-c", _MAIN.format(home=_HOME), *arguments]


def continue_in(python: str | None, arguments: list[str], own_options: list[str]) -> int | None:
    """Continues in another interpreter. On POSIX this process becomes it.

    Args:
        python: path or name of the interpreter; `None` for this one.
        arguments: arguments of `run`.
        own_options: options of this interpreter, such as `-X dev`.

    Returns:
        The exit status; `None` where this interpreter goes on.

    Raises:
        OptionError: there is no such interpreter.
    """
    if os.environ.pop(CONTINUED, None) or python is None:
        return None
    found = shutil.which(python)
    if found is None:
        raise OptionError(f"--python: there is no interpreter {python}; name a file such as .venv/bin/python")
    words = [os.path.abspath(found), *own_options, *continued(arguments)]
    variables = {**os.environ, CONTINUED: "yes"}
    if sys.platform == "win32":  # exec starts a second process there, and nobody waits for it
        return subprocess.call(words, env=variables)
    return os.execve(words[0], words, variables)  # noqa: S606 - it does not return
