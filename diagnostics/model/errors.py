"""The style of every error that a command prints, for `python -m diagnostics` and the phases alike.

    error: unknown provider 'opnai' (did you mean 'openai'?); choose from openai, anthropic, gemini
    Try 'python -m diagnostics repro --help'.

The first line says what failed, names the value and says what to do next. Invalid usage adds the second line and exits
with status 2; input that cannot be read exits with status 2, too, and every other error with status 1. Neither line is
wrapped, boxed or coloured, so that a message can be searched for, whatever the terminal is. Standard library only:
`run` reports its errors from any environment.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Collection
from typing import Final, NoReturn

from diagnostics.model.secret_forms import ANY_KEY
from diagnostics.model.visible import visible

FAILED: Final = 1
INVALID_USAGE: Final = 2
INTERRUPTED: Final = 130

SCRIPT: Final = "event-loop-diagnostics"
"""The program that an installation adds to PATH."""

BY_SCRIPT: Final = os.path.splitext(os.path.basename((sys.argv or [""])[0]))[0] == SCRIPT

PROGRAM: Final = SCRIPT if BY_SCRIPT else "python -m diagnostics"
"""The tool as it was started: what a message tells a person to type begins with it."""


class CommandError(Exception):
    """A command cannot do what it is for; the message is the text after `error: `."""

    status = FAILED

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = self.status if status is None else status


class InvalidUsage(CommandError):
    """The arguments of a command are invalid, alone or together."""

    status = INVALID_USAGE


class InvalidInput(CommandError):
    """What an argument names is missing, or is not what it should be; the help of the command would not tell more."""

    status = INVALID_USAGE


class CommandInterrupted(CommandError):
    """A signal or Ctrl-C ended the command; the message says what is kept."""

    status = INTERRUPTED


def text(message: str) -> str:
    """Returns the line of an error."""
    return f"error: {visible(ANY_KEY.sub('<key>', _one_line(message)))}\n"


def usage_text(message: str, program: str) -> str:
    """Returns the two lines of an invalid usage of `program`, such as `python -m diagnostics repro`."""
    return f"{text(message)}Try '{program} --help'.\n"


def exit_with(error: CommandError, program: str) -> NoReturn:
    """Prints an error of `program` and exits with its status."""
    if isinstance(error, InvalidUsage):
        sys.stderr.write(usage_text(str(error), program))
    elif isinstance(error, CommandInterrupted):
        sys.stderr.write(f"{error}\n")
    else:
        sys.stderr.write(text(str(error)))
    sys.exit(error.status)


def unknown(kind: str, name: str, choices: Collection[str], shown: Collection[str] = ()) -> str:
    """Returns the message for a name that is not in a table, with the nearest one that is.

    Args:
        kind: what the name is of.
        name: the name.
        choices: the names in the table.
        shown: how to list them, if not by their names.
    """
    return f"unknown {kind} {name!r}{suggestion(name, choices)}; choose from {', '.join(shown or choices)}"


def suggestion(name: str, choices: Collection[str]) -> str:
    """Returns the nearest choice as a question in parentheses, or nothing if none is near."""
    near = difflib.get_close_matches(name, list(choices), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def known(kind: str, names: Collection[str], choices: Collection[str]) -> tuple[str, ...]:
    """Returns the names, each once.

    Raises:
        InvalidUsage: one of them is not a choice.
    """
    for name in names:
        if name not in choices:
            raise InvalidUsage(unknown(kind, name, choices))
    return tuple(dict.fromkeys(names))


class ArgumentParser(argparse.ArgumentParser):
    """A parser that reports invalid usage in the style of this module."""

    def error(self, message: str) -> NoReturn:
        """Prints the error and exits with status 2."""
        first, _, rest = message.partition("unrecognized arguments: ")
        if not first and rest:
            option = rest.split()[0].partition("=")[0]
            message = f"unknown option {option!r}{suggestion(option, self._option_string_actions)}"
        exit_with(InvalidUsage(message), self.prog)


def _one_line(message: str) -> str:
    return " ".join(line.strip() for line in message.splitlines())
