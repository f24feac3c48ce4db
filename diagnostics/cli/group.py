"""The group of all commands: reports every error, typer's own included, in the style of `diagnostics.model.errors`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from diagnostics.model.errors import PROGRAM, CommandError, InvalidUsage, exit_with, suggestion
from diagnostics.sanitizer.output.json_document import STANDARD_OUTPUT
from diagnostics.sanitizer.process.options import STARTS

# Its base class, wherever this release of typer keeps it.
_USAGE_ERROR: Final[type[Exception]] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"
)

_WORDS: Final[dict[str, str | Callable[[re.Match[str]], str]]] = {
    r"Input should be greater than or equal to (\S+)": r"it must be at least \1",
    r"Input should be less than or equal to (\S+)": r"it must be at most \1",
    r"Input should be a valid integer\b.*": "it must be a whole number",
    r"Input should be a valid number\b.*": "it must be a number",
    r"[Gg]ot unexpected extra arguments?(?:\(s\))? \((.*)\)": r"unexpected argument: \1",
    r"[Oo]ption '--json' requires an argument": "--json needs the name of a file, or - for standard output",
    r"[Mm]issing argument '([a-z]+)'": lambda found: f"missing argument {found[1].upper()}",
}
"""The words of the parser, and ours."""


class Commands(TyperGroup):
    """Runs a command, prints its error and exits with its status."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> Any:
        """Never returns; without arguments, prints the help."""
        arguments = list(sys.argv[1:] if args is None else args) or ["--help"]
        program = f"{PROGRAM} {arguments[0]}" if arguments[0] in self.commands else PROGRAM
        extra.update(prog_name=PROGRAM, standalone_mode=False)
        try:
            status = super().main(arguments, **extra)
        except CommandError as error:
            exit_with(error, program)
        except _USAGE_ERROR as error:
            exit_with(InvalidUsage(_message(error, arguments)), program)
        sys.exit(status or 0)  # a command that ends without a status returns nothing


class BeforeProgram(TyperCommand):
    """A command whose own options end at a program; `--json` without a file is standard output."""

    allow_interspersed_args = False

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Completes a `--json` that is the last word or is followed by an option."""
        valued = {name for each in self.params if not getattr(each, "is_flag", True) for name in each.opts}
        words, rest = list[str](), list(args)
        while rest and rest[0] not in ("--", *STARTS) and rest[0].startswith("-"):
            words.append(rest.pop(0))
            if words[-1] == "--json" and (not rest or (rest[0] != STANDARD_OUTPUT and rest[0].startswith("-"))):
                words.append(STANDARD_OUTPUT)
            elif words[-1] in valued and rest:
                words.append(rest.pop(0))
        return super().parse_args(ctx, [*words, *(["--"] if rest[:1] != ["--"] else []), *rest])


def _message(error: Exception, arguments: Sequence[str]) -> str:
    """What the parser reports, in the words of the other errors."""
    option = getattr(error, "option_name", None)
    if option is not None and hasattr(error, "possibilities"):
        return f"unknown option {option!r}{suggestion(option, error.possibilities or ())}"
    message = str(error.format_message())  # type: ignore[attr-defined]
    if message.startswith("No such command"):
        message = re.sub(r"\. Did you mean (.*)", r" (did you mean \1)", message.replace("No such", "unknown"))
    invalid = re.fullmatch(r"Invalid value for '(.*?)'(.*)", message, re.DOTALL)
    if invalid and (value := _value(invalid[1], arguments)) is not None and value not in invalid[2]:
        message = f"invalid value {value!r} for '{invalid[1]}'{invalid[2]}"
    for words, plain in _WORDS.items():
        message = re.sub(words, plain, message)
    return message[:1].lower() + message[1:].rstrip(".")


def _value(names: str, arguments: Sequence[str]) -> str | None:
    """The last value given to an option, which the error of the parser leaves out.

    Args:
        names: those of the option, as in `--calls' / '--jets`.
    """
    options = re.findall(r"--[\w-]+", names)
    for argument, following in reversed(list(zip(arguments, [*arguments[1:], ""], strict=True))):
        name, equals, value = argument.partition("=")
        if name in options:
            return value if equals else following
    return None
