"""The options of `check`: the parser that the command, its help and the reference share."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

from diagnostics.model.errors import PROGRAM, ArgumentParser, InvalidInput, InvalidUsage, unknown
from diagnostics.rewrite.check.formats import FORMATS
from diagnostics.rewrite.rules import RULES
from diagnostics.rewrite.rules.records import CheckRule

STARTS = {"-m": "a module", "-c": "code"}


@dataclass(frozen=True)
class CheckOptions:
    """What to check, and how to say what was found.

    Attributes:
        program: the command after `--confirm --`; empty without it.
    """

    paths: tuple[str, ...]
    format: str
    rules: tuple[CheckRule, ...]
    color: str
    program: tuple[str, ...]


def parser() -> ArgumentParser:
    """Returns the parser for everything before the program."""
    made = ArgumentParser(
        prog=f"{PROGRAM} check",
        usage="python -m diagnostics check [options] PATH... [--confirm -- SCRIPT [ARGS]]",
        description="Find mistakes with async clients in source code, without running it.",
        epilog=(
            "examples:\n"
            "  python -m diagnostics check src tests\n"
            "  python -m diagnostics check --format sarif src\n"
            "  python -m diagnostics check src --confirm -- app.py\n\n"
            "A comment `# event-loops: ignore[CODE]` on a line that an alert shows ignores it.\n"
            "Exit status: 0 nothing found; 1 something found; 2 invalid usage."
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("paths", metavar="PATH", nargs="*", help="a file or a folder")
    made.add_argument(
        "--format",
        metavar="|".join(FORMATS),
        choices=tuple(FORMATS),
        default="text",
        help="how to print what was found",
    )
    made.add_argument(
        "--select", metavar="CODE", action="append", default=[], help="only these rules, by code or name, with commas"
    )
    made.add_argument("--ignore", metavar="CODE", action="append", default=[], help="all rules but these")
    made.add_argument(
        "--color",
        metavar="auto|always|never",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: colours on a terminal without NO_COLOR",
    )
    made.add_argument(
        "--confirm",
        action="store_true",
        help="run the program after --, and keep only what the run shows",
    )
    return made


def read(arguments: Sequence[str]) -> CheckOptions:
    """Parses a command line.

    Raises:
        InvalidUsage: the arguments do not go together, or a rule is unknown.
        InvalidInput: there is no such path.
        SystemExit: the parser refuses, or printed the help.
    """
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    given, program = parser().parse_args(words[:end]), tuple(words[end + 1 :])
    if given.confirm and not program:
        raise InvalidUsage("--confirm needs a program; write -- and a script, or -- -m and a module, at the end")
    if program and not given.confirm:
        raise InvalidUsage("a program after -- is only for --confirm; add --confirm, or remove it")
    if not given.paths:
        raise InvalidUsage("no path given; name files or folders, such as .")
    missing = next((path for path in given.paths if not os.path.exists(path)), None)
    if missing is not None:
        raise InvalidInput(f"no such file or folder: {missing}")
    special = next((path for path in given.paths if not os.path.isfile(path) and not os.path.isdir(path)), None)
    if special is not None:
        raise InvalidInput(f"{special} is neither a file nor a folder; name files or folders, such as .")
    selected = _rules(given.select) or list(RULES)
    ignored = _rules(given.ignore)
    rules = tuple(rule for rule in RULES if rule in selected and rule not in ignored)
    return CheckOptions(tuple(given.paths), given.format, rules, given.color, program)


def _rules(words: Sequence[str]) -> list[CheckRule]:
    """Returns the rules that options name."""
    known = {name: rule for rule in RULES for name in (rule.code, rule.name)}
    names = [name.strip() for word in words for name in word.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise InvalidUsage(unknown("rule", name, known, shown=[f"{rule.code} ({rule.name})" for rule in RULES]))
    return [known[name] for name in names]
