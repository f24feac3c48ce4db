"""`python -m diagnostics run`: runs a program under the sanitizer. Needs only the standard library."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator

from diagnostics.model.errors import INVALID_USAGE, PROGRAM, usage_text
from diagnostics.model.visible import visible
from diagnostics.sanitizer.analyze.recorded import ENDED_BY_INTERRUPT
from diagnostics.sanitizer.analyze.suppressions import Rule, SuppressionError, rules
from diagnostics.sanitizer.output import stderr
from diagnostics.sanitizer.output.formats import LIVE
from diagnostics.sanitizer.output.json_document import STANDARD_OUTPUT
from diagnostics.sanitizer.output.redact import command_line
from diagnostics.sanitizer.process import supervisor
from diagnostics.sanitizer.process.options import OptionError, read
from diagnostics.sanitizer.process.other_python import continue_in
from diagnostics.sanitizer.process.reporter import ReportSettings, Suggest, report


def main(arguments: list[str], suggest: Suggest | None = None) -> int:
    """Runs the command; if a signal ends the program, the same signal ends this process.

    Args:
        arguments: options and the program.
        suggest: see `report`.
    """
    status = run(arguments, suggest)
    if status < 0:
        supervisor.end_like(status)
    if sys.flags.inspect:  # -i and PYTHONINSPECT are for the program
        os._exit(status)
    return status


def run(arguments: list[str], suggest: Suggest | None = None) -> int:
    """Runs a program and reports.

    Args:
        arguments: options and the program.
        suggest: see `report`.

    Returns:
        The program's own exit status, or `--exit-code` if that is 0 but an error was found; 2 for invalid usage; the
        negative number of the signal that ended the program.
    """
    try:
        options = read(arguments)
        status = continue_in(options.python, arguments, supervisor.interpreter_options())
        if status is not None:
            return status
        suppressions = None if options.all else _suppressions(options.suppress)
        file, output = (_writable(f"--{name}", getattr(options, name)) for name in ("json", "output"))
        _check_live(options.format if options.live else "text")
        words = supervisor.command(options.program, options.start)
    except (OptionError, SuppressionError, supervisor.StartError) as error:
        stderr.write(usage_text(str(error), f"{PROGRAM} run"))
        return INVALID_USAGE
    except SystemExit as error:
        return int(error.code or 0)
    settings = ReportSettings(
        file=file,
        leaks=options.leaks,
        exit_code=options.exit_code,
        suppressions=suppressions,
        full=bool(options.full),
        format=options.format,
        output=output,
        color=options.color,
        quiet=bool(options.quiet),
        follow=bool(options.follow),
    )
    handle, journal = tempfile.mkstemp(prefix="diagnostics-")
    try:
        variables = supervisor.environment(journal, settings.as_json(), follow=bool(options.follow))
        with _live(journal, settings) if options.live else contextlib.nullcontext():
            status = supervisor.Supervisor(words, variables, options.timeout).run()
        with os.fdopen(handle, "rb") as stream:
            os.unlink(journal)  # a process that ends later reports for itself
            data = stream.read()
    finally:
        with contextlib.suppress(OSError):
            os.unlink(journal)
    if status is None:
        stderr.write(f"diagnostics: the program did not finish within {options.timeout:g} s\n")
    if status in ENDED_BY_INTERRUPT:  # one more Ctrl-C is meant for the program
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    return report(data, settings, status, next_step=_fix(options.start, options.program), suggest=suggest)


def _fix(start: str | None, program: list[str]) -> str:
    """Returns the command that changes the program; empty where `fix` does not take it."""
    words = ["--", start, *program] if start else program
    is_here = start == "-m" or (
        start is None and os.path.isfile(program[0]) and not os.path.relpath(program[0]).startswith(os.pardir)
    )
    return visible(f"{PROGRAM} fix {shlex.join(command_line(words))}") if is_here else ""


@contextlib.contextmanager
def _live(journal: str, settings: ReportSettings) -> Iterator[None]:
    from diagnostics.sanitizer.process.live import Live

    live = Live(journal, settings)
    live.start()
    try:
        yield
    finally:
        live.finish()


def _writable(option: str, file: str | None) -> str | None:
    """Returns the absolute path of a file that is written when the program has ended; checks it before that starts."""
    if not file or file == STANDARD_OUTPUT:
        return file or None
    try:
        path = os.path.abspath(file)
    except OSError:
        raise OptionError(f"{option}: the working directory of {file} no longer exists; name a whole path") from None
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise OptionError(f"{option}: there is no folder {folder}; create it, or name another file")
    if os.path.isdir(path):
        raise OptionError(f"{option}: {file} is a folder; name a file in it")
    return path


def _check_live(name: str) -> None:
    if name not in ("text", *LIVE):
        raise OptionError(f"--live prints text, {' or '.join(LIVE)}, not {name}; choose one with --format")


def _suppressions(file: str | None) -> list[Rule]:
    if file is None:
        return []
    try:
        with open(file, encoding="utf-8") as stream:
            return rules(stream)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise OptionError(f"--suppress: cannot read {file}: {why}") from error
