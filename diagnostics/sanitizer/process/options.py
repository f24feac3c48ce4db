"""The options of `diagnostics run`: one table for the parser, the help and the environment variable."""

from __future__ import annotations

import argparse
import os
import threading
from typing import Any, Final, NamedTuple

from diagnostics.model.errors import PROGRAM, ArgumentParser

VARIABLE: Final = "DIAGNOSTICS_OPTIONS"
LEAKS: Final = {
    "report": "print leaks",
    "error": "print leaks and fail because of them",
    "off": "do not print leaks",
}


class Option(NamedTuple):
    """One option. Its name without dashes is its key in the environment variable."""

    name: str
    metavar: str
    help: str
    default: Any
    convert: Any = str
    choices: tuple[str, ...] | None = None


def _exit_status(text: str) -> int:
    try:
        status = int(text)
    except ValueError:
        status = -1
    if not 0 <= status <= 255:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 255")
    return status


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= threading.TIMEOUT_MAX:  # false for NaN too
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither yes nor no")
    return text == "yes"


OPTIONS: Final = (
    Option("--json", "FILE", "write the findings to FILE as JSON, for example findings.json", None),
    Option(
        "--leaks",
        "report|error|off",
        "; ".join(f"{word}: {text}" for word, text in LEAKS.items()),
        "report",
        str,
        tuple(LEAKS),
    ),
    Option("--exit-code", "N", "exit with N if the program exits with 0 but an error was found", 66, _exit_status),
    Option(
        "--suppress",
        "FILE",
        "ignore the findings that FILE lists, one `kind:pattern` per line, for example `*:litellm`",
        None,
    ),
    Option("--full", "yes|no", "print every finding with its stacks, not a block per root cause", False, _yes),
    Option("--timeout", "S", "after S seconds, report the calls that hang and end the program", None, _seconds),
)


class OptionError(ValueError):
    """Invalid usage; the message says what to write."""


def parser() -> ArgumentParser:
    """Returns the parser for everything before the program."""
    made = ArgumentParser(
        prog=f"{PROGRAM} run",
        usage="python -m diagnostics run [options] [--] SCRIPT [ARGS] | -m MODULE [ARGS]",
        description="Run a program and report async clients, connections and event loops that outlive each other.",
        epilog=(
            "examples:\n"
            "  python -m diagnostics run script.py --an-option-of-the-script\n"
            "  python -m diagnostics run --json findings.json --leaks error -m pytest tests\n\n"
            f"{VARIABLE} sets options too, as key=value separated by colons: leaks=error:exit_code=3\n"
            "Exit status: the program's own; 66 if that is 0 but an error was found; 2 for invalid usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in OPTIONS:
        made.add_argument(
            option.name,
            metavar=option.metavar,
            help=f"{option.help} (default {option.default})" if option.default not in (None, False) else option.help,
            type=option.convert,
            choices=option.choices,
            default=None,
            nargs="?" if option.convert is _yes else None,
            const=True if option.convert is _yes else None,
        )
    made.add_argument("-m", dest="module", action="store_true", help="run a module, as with `python -m`")
    made.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return made


def read(arguments: list[str]) -> argparse.Namespace:
    """Parses a command line and the environment variable; the command line wins.

    Raises:
        OptionError: there is no program, or the environment variable is invalid.
        SystemExit: the command line is invalid, or asks for help.
    """
    given = parser().parse_args(arguments)
    if given.program and given.program[0] == "--":
        given.program = given.program[1:]
        if given.program and given.program[0] == "-m":
            given.module, given.program = True, given.program[1:]
    if not given.program:
        raise OptionError("no program given; write a script, or -m and a module")
    from_environment = environment(os.environ.get(VARIABLE, ""))
    for option in OPTIONS:
        key = _key(option)
        if getattr(given, key) is None:
            setattr(given, key, from_environment.get(key, option.default))
    return given


def environment(text: str) -> dict[str, Any]:
    """Parses `key=value:key=value`.

    Raises:
        OptionError: a key or a value is invalid.
    """
    known = {_key(option): option for option in OPTIONS}
    found: dict[str, Any] = {}
    for part in filter(None, text.split(":")):
        key, equals, value = part.partition("=")
        key = key.strip().replace("-", "_")
        option = known.get(key)
        if option is None or not equals:
            raise OptionError(f"{VARIABLE}: {part!r} is not one of {', '.join(f'{name}=…' for name in known)}")
        try:
            found[key] = option.convert(value)
        except argparse.ArgumentTypeError as error:
            raise OptionError(f"{VARIABLE}: {key} cannot be {value!r}: {error}") from None
        if option.choices and found[key] not in option.choices:
            raise OptionError(f"{VARIABLE}: {key} is one of {', '.join(option.choices)}, not {value!r}")
    return found


def _key(option: Option) -> str:
    return option.name.lstrip("-").replace("-", "_")
