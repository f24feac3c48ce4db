"""`python -m diagnostics COMMAND`."""

from __future__ import annotations

import errno
import importlib
import os
import sys

WITHOUT_LAB = {
    "run": "diagnostics.rewrite.run",
    "check": "diagnostics.rewrite.check",
    "explain": "diagnostics.explain",
}
"""Commands of the inside zone, which run in whatever environment the person has."""

WITHOUT_THE_LAB = """\
usage: python -m diagnostics COMMAND

  run          run your own program and report clients that outlive their event loop:
               python -m diagnostics run app.py
  check        find the same mistakes in source code, without running it:
               python -m diagnostics check src
  explain      explain a finding or a fix: python -m diagnostics explain cross-loop-use
  async-tools  write the drop-in fix: python -m diagnostics async-tools > async_tools.py

Every other command needs the lab ({missing} is missing):
  {install}  # on Python 3.11 or newer
"""


def main() -> int:
    """Runs a command; all but `run`, `check`, `explain` and `async-tools` need the lab's libraries.

    Returns:
        The exit status: 0 done, 1 an error, described in one line, 2 invalid usage, 130 interrupted.
    """
    if sys.version_info < (3, 10):  # noqa: UP036 - an older Python gets a sentence
        version = ".".join(map(str, sys.version_info[:3]))
        sys.stderr.write(f"error: diagnostics needs Python 3.10 or newer, and this is Python {version}\n")
        return 1
    from diagnostics.model.working_directory import working_directory

    if sys.path[0] == working_directory():
        sys.path.append(sys.path.pop(0))  # a program there may have modules named like those of the standard library
    from diagnostics.model.visible import use_any_console

    use_any_console()
    if sys.argv[1:] == ["--version"]:
        from diagnostics import __version__

        sys.stdout.write(f"event-loop-diagnostics {__version__}\n")
        return 0
    if sys.argv[1:2] and sys.argv[1] in WITHOUT_LAB:
        status: int = importlib.import_module(WITHOUT_LAB[sys.argv[1]]).main(sys.argv[2:])
        return status
    if sys.argv[1:] == ["async-tools"]:
        from diagnostics.drop_in import write

        return write()
    if not working_directory():
        sys.stderr.write("error: the working directory no longer exists; change to another folder\n")
        return 2
    try:
        from diagnostics.cli import app
    except ImportError as error:
        return _without_the_lab(error.name)
    except KeyboardInterrupt:
        return _interrupted()
    try:
        app()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO, errno.EBADF):
            raise
        return _no_more(error)
    try:
        sys.stdout.flush()
    except OSError as error:
        return _no_more(error)
    return status


def _no_more(error: OSError) -> int:
    """Standard output takes nothing more: what is left goes nowhere, or the interpreter would complain at its end."""
    sys.stderr.write(f"error: cannot write to standard output ({error.strerror})\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _without_the_lab(missing: str | None) -> int:
    from diagnostics.extras import install

    if set(sys.argv[1:]) <= {"-h", "--help"}:
        sys.stdout.write(WITHOUT_THE_LAB.format(missing=missing, install=install("lab")))
        return 0
    sys.stderr.write(
        f"error: this command needs the lab ({missing} is missing); run: {install('lab')} on Python 3.11 or newer\n"
    )
    return 1


def _interrupted() -> int:
    sys.stderr.write("interrupted\n")
    return 130


if __name__ == "__main__":
    sys.exit(main())
