"""The options of `diagnostics run`: one table for the parser, the help, the environment variable and pyproject.toml."""

from __future__ import annotations

import argparse
import os
import re
import sys
import threading
from typing import Any, Final, NamedTuple

from diagnostics.model.errors import PROGRAM, ArgumentParser
from diagnostics.model.working_directory import working_directory
from diagnostics.sanitizer.output.formats import FORMATS

VARIABLE: Final = "DIAGNOSTICS_OPTIONS"
TABLE: Final = "tool.event-loop-diagnostics"
"""The table of `pyproject.toml`, in the working directory or the nearest folder above that has the file."""

COLOURS: Final = ("auto", "always", "never")
LEAKS: Final = {
    "report": "print leaks",
    "error": "print leaks and fail because of them",
    "off": "do not print leaks",
}


class Option(NamedTuple):
    """One option. Its name without dashes is its key in the environment variable, where a flag is `yes` or `no`."""

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
    Option("--json", "FILE", "write the findings to FILE as JSON; - is standard output", None),
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
    Option("--all", "yes|no", "report also what comments and --suppress ignore", False, _yes),
    Option("--full", "yes|no", "print every finding with its stacks, not a block per root cause", False, _yes),
    Option(
        "--format",
        "|".join(("text", *FORMATS)),
        "print the report as text, or for programs",
        "text",
        str,
        ("text", *FORMATS),
    ),
    Option(
        "--output", "FILE", "write what --format says to FILE instead of standard error; - is standard output", None
    ),
    Option("--color", "|".join(COLOURS), "auto: colours on a terminal without NO_COLOR", "auto", str, COLOURS),
    Option("--quiet", "yes|no", "print nothing but root causes", False, _yes),
    Option(
        "--live", "yes|no", "also print each root cause when it is found, for a program that does not end", False, _yes
    ),
    Option(
        "--follow",
        "yes|no",
        "also instrument the Python programs that it starts through subprocess, os.posix_spawn or exec",
        False,
        _yes,
    ),
    Option("--timeout", "S", "after S seconds, report the calls that hang and end the program", None, _seconds),
    Option("--python", "PATH", "run the program with this interpreter; by default the one that runs this", None),
)


STARTS: Final = {"-m": "a module", "-c": "code"}
"""What starts something other than a script."""


class OptionError(ValueError):
    """Invalid usage; the message says what to write."""


def parser() -> ArgumentParser:
    """Returns the parser for everything before the program."""
    made = ArgumentParser(
        prog=f"{PROGRAM} run",
        usage="python -m diagnostics run [options] [--] SCRIPT [ARGS] | -m MODULE [ARGS] | -c CODE [ARGS]",
        description="Run a program and report async clients, connections and event loops that outlive each other.",
        epilog=(
            "examples:\n"
            "  python -m diagnostics run script.py --an-option-of-the-script\n"
            "  python -m diagnostics run --json findings.json --leaks error -m pytest tests\n\n"
            f"{VARIABLE} sets options too, as key=value separated by colons: leaks=error:exit_code=3,\n"
            f"and so does [{TABLE}] in pyproject.toml. The command line wins, then the variable.\n"
            "A comment `# event-loops: ignore[KIND]` on a line that a finding names ignores it.\n"
            "Exit status: the program's own; 66 if that is 0 but an error was found; 2 for invalid usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in OPTIONS:
        if option.convert is _yes:  # with a value, it would take the program for one
            made.add_argument(option.name, help=option.help, action="store_const", const=True, default=None)
            continue
        made.add_argument(
            option.name,
            metavar=option.metavar,
            help=f"{option.help} (default {option.default})" if option.default is not None else option.help,
            type=option.convert,
            choices=option.choices,
            default=None,
        )
    for flag, what in STARTS.items():
        made.add_argument(
            flag, dest="start", action="store_const", const=flag, help=f"run {what}, as `python {flag}` does"
        )
    made.add_argument("program", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return made


def read(arguments: list[str]) -> argparse.Namespace:
    """Parses a command line, the environment variable and `pyproject.toml`; the first that sets an option wins.

    Raises:
        OptionError: there is no program, or the variable or the file is invalid.
        SystemExit: the command line is invalid, or asks for help.
    """
    given = parser().parse_args(arguments)
    if given.program and given.program[0] == "--":
        given.program = given.program[1:]
        if given.program and given.program[0] in STARTS:
            given.start, *given.program = given.program
    if not given.program:
        raise OptionError("no program given; write a script, or -m and a module")
    elsewhere = {**project(working_directory()), **environment(os.environ.get(VARIABLE, ""))}
    for option in OPTIONS:
        key = _key(option)
        if getattr(given, key) is None:
            setattr(given, key, elsewhere.get(key, option.default))
    return given


def environment(text: str) -> dict[str, Any]:
    r"""Parses `key=value:key=value`; a colon before a slash or a backslash belongs to a path, as in `C:\x` and URLs.

    Raises:
        OptionError: a key or a value is invalid.
    """
    found: dict[str, Any] = {}
    for part in filter(None, re.split(r":(?![\\/])", text)):
        key, equals, value = part.partition("=")
        found.update(_set(VARIABLE, key.strip(), value if equals else None))
    return found


def project(folder: str) -> dict[str, Any]:
    """Reads the table of the nearest `pyproject.toml`; empty before Python 3.11, which cannot read TOML.

    Raises:
        OptionError: the file is not TOML, or a key or a value is invalid.
    """
    if sys.version_info < (3, 11):
        return {}
    import tomllib

    name = TABLE.partition(".")[2]
    above = [folder]
    while os.path.dirname(above[-1]) != above[-1]:
        above.append(os.path.dirname(above[-1]))
    file = next((path for each in above if os.path.isfile(path := os.path.join(each, "pyproject.toml"))), None)
    if file is None:
        return {}
    try:
        with open(file, encoding="utf-8") as stream:
            text = stream.read()
        table = tomllib.loads(text)["tool"].get(name, {}) if f"[tool.{name}" in text else {}
    except (OSError, ValueError) as error:
        raise OptionError(f"cannot read [{TABLE}] in {file}: {error}") from None
    found: dict[str, Any] = {}
    for key, value in table.items():
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        found.update(_set(f"[{TABLE}] in {file}", key, text))
    return found


def _set(where: str, key: str, value: str | None) -> dict[str, Any]:
    """Returns an option with its converted value."""
    known = {_key(option): option for option in OPTIONS}
    option = known.get(key.replace("-", "_"))
    if option is None or value is None:
        wrong = key if value is None else f"{key}={value}"
        raise OptionError(f"{where}: {wrong!r} is not one of {', '.join(f'{name}=…' for name in known)}")
    try:
        converted = option.convert(value)
    except argparse.ArgumentTypeError as error:
        raise OptionError(f"{where}: {_key(option)} cannot be {value!r}: {error}") from None
    if option.choices and converted not in option.choices:
        raise OptionError(f"{where}: {_key(option)} is one of {', '.join(option.choices)}, not {value!r}")
    return {_key(option): converted}


def _key(option: Option) -> str:
    return option.name.lstrip("-").replace("-", "_")
