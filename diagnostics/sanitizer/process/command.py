"""`python -m diagnostics run`: a program under the sanitizer. Needs nothing but Python."""

from __future__ import annotations

import os
import sys

from diagnostics.sanitizer import session
from diagnostics.sanitizer.analyze.suppressions import Rule, rules
from diagnostics.sanitizer.output import stderr
from diagnostics.sanitizer.process import children, exit_hooks, program
from diagnostics.sanitizer.process.options import OptionError, read
from diagnostics.sanitizer.process.reporter import Report, ReportSettings


def main(arguments: list[str]) -> int:
    """Runs the command.

    Returns:
        The program's own exit status, or `--exit-code` where that was 0 and an error was found; 2 for a command line
        that cannot be meant so.

    Raises:
        KeyboardInterrupt: the program ended by that.
    """
    try:
        options = read(arguments)
        suppressions = _suppressions(options.suppress)
    except OptionError as error:
        stderr.write(f"python -m diagnostics run: {error}\n")
        return 2
    except SystemExit as error:
        return int(error.code or 0)
    file = os.path.abspath(options.json) if options.json else None
    settings = ReportSettings(file, options.leaks, options.exit_code, suppressions)
    report = Report(settings, os.getpid())
    session.install()
    patches = children.follow(report)
    restore = exit_hooks.before_exit(report.make)
    exit_hooks.before_signals(report.before_death)
    no_longer = exit_hooks.at_interrupt(report.interrupted)
    timer = exit_hooks.after(options.timeout, lambda: report.time_is_up(options.timeout)) if options.timeout else None
    try:
        status = program.run(options.program, module=options.module)
    except program.ProgramError as error:
        report.never_mind()
        stderr.write(f"python -m diagnostics run: {error}\n")
        return 2
    exit_hooks.finish_program()
    if timer is not None:
        timer.cancel()
    restore()
    report.make(status)
    no_longer()
    patches.take_back()
    session.uninstall()
    if status == program.INTERRUPTED:
        # Its traceback is printed. Left to the interpreter, this ends as the program would have: by the signal.
        sys.excepthook = lambda *_: None
        raise KeyboardInterrupt
    return report.status(status)


def _suppressions(file: str | None) -> list[Rule]:
    if file is None:
        return []
    try:
        with open(file, encoding="utf-8") as stream:
            return rules(stream)
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read the suppressions in {file}: {error}") from error
