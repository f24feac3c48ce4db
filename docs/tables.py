"""Markdown of the reference: tables, blocks of code, and the commands with their options."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterable
from typing import Any

import typer

from diagnostics.cli import app
from diagnostics.rewrite.check import options as check_options
from diagnostics.sanitizer.process import options as run_options

PARSERS = {"run": run_options.parser, "check": check_options.parser}
"""The commands that need no lab, and so no typer."""


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    # A bar in code is no separator for Python-Markdown, and an escaped one would keep its backslash.
    text = " ".join(str(value).split())
    return "".join(part if part.startswith("`") else part.replace("|", "\\|") for part in re.split(r"(`[^`]*`)", text))


def fence(language: str, text: str) -> str:
    """Return a block of code."""
    return f"```{language}\n{text.strip()}\n```"


def commands() -> str:
    """Every command with its options, from the parsers."""
    group: Any = typer.main.get_command(app)
    parts = []
    for name, command in group.commands.items():
        if name in PARSERS:
            parts.append(_argparse(name, PARSERS[name]()))
        else:
            parts.append(_click(name, command))
    return "\n\n".join(parts)


def _click(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = f"python -m diagnostics {name} {' '.join(command.collect_usage_pieces(context))}"
    rows = []
    for parameter in command.get_params(context):
        if parameter.name == "help":
            continue
        shown = parameter.get_help_record(context)
        option, text = shown if shown is not None else (parameter.human_readable_name, getattr(parameter, "help", ""))
        rows.append((f"`{option}`", _plain(text or getattr(parameter, "help", "") or "")))
    return _command(f"python -m diagnostics {name}", usage, _paragraphs(command.help or ""), rows)


def _paragraphs(text: str) -> str:
    """Turn `Example: COMMAND` into a block, as help texts have it."""
    return re.sub(r"^Example: (.+)$", r"```text\n\1\n```", inspect.cleandoc(text), flags=re.MULTILINE)


def _argparse(name: str, parser: argparse.ArgumentParser) -> str:
    rows = []
    for action in parser._actions:  # argparse has no public list of its options
        if action.help == argparse.SUPPRESS or action.dest == "help":
            continue
        names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
        value = "" if action.nargs == 0 or not action.option_strings else f" {action.metavar or action.dest.upper()}"
        rows.append((f"`{names}{value}`", (action.help or "") % {"default": action.default}))
    usage = parser.format_usage().removeprefix("usage: ")
    title = f"python -m diagnostics {name}"
    text = "\n\n".join(part for part in (parser.description, _epilog(parser.epilog)) if part)
    return _command(title, " ".join(usage.split()), text, rows)


def _epilog(text: str | None) -> str:
    examples, _, rest = (text or "").partition("\n\n")
    if not rest:
        return examples
    commands = "\n".join(line.strip() for line in examples.splitlines()[1:])  # after "examples:"
    return "\n\n".join((fence("text", commands), *rest.splitlines()))


def _command(title: str, usage: str, text: str, rows: list[tuple[str, str]]) -> str:
    parts = [f"## `{title}`", text, fence("text", usage)]
    if rows:
        parts.append(table(("Option", "Meaning"), rows))
    return "\n\n".join(parts)


def _plain(text: str) -> str:
    return re.sub(r"\[/?(bold|dim|cyan|yellow|red|green)[^\]]*\]", "", text)
