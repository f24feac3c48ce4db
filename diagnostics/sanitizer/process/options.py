"""The options of `diagnostics run`: one table that is parser, help and environment variable at once."""

from __future__ import annotations

import argparse
import os
import threading
from typing import Any, Final, NamedTuple

VARIABLE: Final = "DIAGNOSTICS_OPTIONS"
LEAKS: Final = {
    "report": "print leaks",
    "error": "print them and fail because of them",
    "off": "do not mention them",
}


class Option(NamedTuple):
    """One option; its name without dashes is its key in the environment variable."""

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
    if not 0 <= seconds <= threading.TIMEOUT_MAX:  # nor what is no number
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


OPTIONS: Final = (
    Option("--json", "FILE", "write the findings to FILE", None),
    Option(
        "--leaks",
        "report|error|off",
        "; ".join(f"{word}: {text}" for word, text in LEAKS.items()),
        "report",
        str,
        tuple(LEAKS),
    ),
    Option("--exit-code", "N", "exit status where the program's own is 0 and an error was found", 66, _exit_status),
    Option("--suppress", "FILE", "leave out what FILE lists: `kind:pattern` lines, matched with files and names", None),
    Option("--timeout", "S", "after S seconds report what is stuck, and end the program", None, _seconds),
)


class OptionError(ValueError):
    """An option that cannot be meant so; the message says what to write."""


def parser() -> argparse.ArgumentParser:
    """The parser of everything before the program."""
    made = argparse.ArgumentParser(
        prog="python -m diagnostics run",
        usage="python -m diagnostics run [options] [--] SCRIPT [ARGS] | -m MODULE [ARGS]",
        description="Runs a program and reports clients, connections and loops that outlive each other.",
        epilog=(
            "examples:\n"
            "  python -m diagnostics run script.py --an-option-of-the-script\n"
            "  python -m diagnostics run --json findings.json --leaks error -m pytest tests\n\n"
            f"Options may also be in {VARIABLE}, as key=value joined by colons: leaks=error:exit_code=3\n"
            "Exit status: the program's own; 66 where that was 0 and an error was found; 2 where it cannot be started."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in OPTIONS:
        made.add_argument(
            option.name,
            metavar=option.metavar,
            help=f"{option.help} (default {option.default})" if option.default is not None else option.help,
            type=option.convert,
            choices=option.choices,
            default=None,
        )
    made.add_argument("-m", dest="module", action="store_true", help="what follows is a module, as with `python -m`")
    made.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return made


def read(arguments: list[str]) -> argparse.Namespace:
    """Reads a command line and the environment; the command line wins.

    Raises:
        OptionError: the environment variable, or a value, is wrong.
        SystemExit: the command line is wrong, or help was asked for.
    """
    given = parser().parse_args(arguments)
    if given.program and given.program[0] == "--":
        given.program = given.program[1:]
        if given.program and given.program[0] == "-m":
            given.module, given.program = True, given.program[1:]
    if not given.program:
        raise OptionError("what shall run? write a script, or -m and a module")
    from_environment = environment(os.environ.get(VARIABLE, ""))
    for option in OPTIONS:
        key = _key(option)
        if getattr(given, key) is None:
            setattr(given, key, from_environment.get(key, option.default))
    return given


def environment(text: str) -> dict[str, Any]:
    """Reads `key=value:key=value`.

    Raises:
        OptionError: a key or a value that there is not.
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
