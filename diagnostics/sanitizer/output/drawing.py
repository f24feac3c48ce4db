"""Blocks in the form of rustc and ruff: a title, lines of source with carets, wrapped texts."""

from __future__ import annotations

import linecache
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Final, NamedTuple, TextIO

from diagnostics.model.finding import MarkedLine, Site
from diagnostics.sanitizer.analyze.describe import relative_path

MIN_WIDTH: Final = 40
_COLOURS: Final = {
    "error": "1;31",
    "leak": "1;33",
    "warning": "1;33",
    "note": "1;36",
    "help": "1;32",
    "place": "1;34",
    "title": "1",
}


class Style(NamedTuple):
    """How to write.

    Attributes:
        width: columns.
        colour: whether the reader understands colours and links.
    """

    width: int = 100
    colour: bool = False

    def paint(self, text: str, colour: str) -> str:
        """Returns a text in a colour."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour else text

    def link(self, text: str, file: str) -> str:
        """Returns a text that leads to a file (OSC 8)."""
        if not self.colour or not os.path.isabs(file):
            return text
        return f"\x1b]8;;file://{file}\x1b\\{text}\x1b]8;;\x1b\\"


def style(color: str = "auto", *, plain: bool = False, stream: TextIO | None = None) -> Style:
    """Returns the style for standard error, or for another stream.

    Args:
        color: `always`, `never`, or `auto`: colours for a terminal only, and never with `NO_COLOR`.
        plain: whether the text goes to a file.
    """
    try:
        terminal = (sys.stderr if stream is None else stream).isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):
        terminal = False
    colour = color == "always" or (color == "auto" and terminal and not plain and not os.environ.get("NO_COLOR"))
    return Style(max(MIN_WIDTH, shutil.get_terminal_size((100, 24)).columns), colour)


def title(head: str, text: str, colour: str, look: Style) -> list[str]:
    """Returns the lines of a title: `error[cross-loop-use]: …`."""
    first, *others = textwrap.wrap(f"{head}: {text}", look.width, subsequent_indent="    ")
    painted = look.paint(head, colour) + look.paint(first[len(head) :], "title")
    return [painted, *(look.paint(each, "title") for each in others)]


def frames(labels: Sequence[MarkedLine], look: Style) -> list[str]:
    """Returns each line of source once, with what is to be seen there; the first is `-->`, the others are `:::`."""
    grouped: dict[tuple[str, int], list[MarkedLine]] = {}
    for label in labels:
        grouped.setdefault((label.site.file, label.site.line), []).append(label)
    margin = max((len(str(line)) for _, line in grouped), default=1)
    lines: list[str] = []
    for number, ((file, line), members) in enumerate(grouped.items()):
        site = members[0].site
        column = "" if site.column is None else f":{site.column + 1}"
        place = look.link(f"{relative_path(file)}:{line}{column}", file)
        arrow = "-->" if number == 0 else ":::"
        lines.append(" " * margin + look.paint(f"{arrow} ", "place") + place)
        lines += _source(site, members, margin, look)
    return lines


def _source(site: Site, members: Sequence[MarkedLine], margin: int, look: Style) -> list[str]:
    bar = look.paint("|", "place")
    if not site.code:
        return [f"{' ' * margin} {bar} {label.text}" for label in members]
    room = look.width - margin - 3
    code, shift = _line(site, room)
    lines = [f"{' ' * margin} {bar}", f"{look.paint(str(site.line).rjust(margin), 'place')} {bar} {code}"]
    for label in members:
        start, end = (min(max(0, at - shift), len(code)) for at in _span(label.site))
        carets = " " * start + look.paint("^" * max(1, end - start), "place")
        if start + (end - start) + 1 + len(label.text) <= room:
            lines.append(f"{' ' * margin} {bar} {carets} {label.text}")
        else:
            lines.append(f"{' ' * margin} {bar} {carets}")
            wrapped = textwrap.wrap(label.text, max(MIN_WIDTH // 2, room - 2))
            lines += [f"{' ' * margin} {bar}   {each}" for each in wrapped]
    return lines


def _line(site: Site, room: int) -> tuple[str, int]:
    """Returns a line of source as it is shown, and how many columns it lost at its left."""
    text = linecache.getline(site.file, site.line).rstrip()
    text = text if text.strip() == site.code else site.code
    if len(text) <= room:
        return text, 0
    indent = len(text) - len(text.lstrip())
    shown = text[indent:]
    return (shown if len(shown) <= room else shown[: room - 1] + "…"), indent


def _span(site: Site) -> tuple[int, int]:
    """Returns which part of a line to underline: the name of what is called."""
    text = linecache.getline(site.file, site.line).rstrip()
    if site.column is None or text.strip() != site.code:
        indent = len(text) - len(text.lstrip()) if text.strip() == site.code else 0
        return indent, indent + len(site.code)
    called = text[site.column : site.end_column].partition("(")[0].rstrip()
    start = site.column + (len("await ") if called.startswith("await ") else 0)
    end = max(start + 1, site.column + len(called))
    if called.count(".") > 1:  # of `client.chat.completions.create`, the method
        start = site.column + called.rindex(".") + 1
    return start, end


def wrapped(start: str, text: str, look: Style, colour: str = "") -> str:
    """Returns a text after a start, indented below it."""
    parts = textwrap.wrap(start + text, look.width, subsequent_indent=" " * len(start), break_on_hyphens=False)
    whole = "\n".join(parts) or start
    return look.paint(start.rstrip(), colour) + whole[len(start.rstrip()) :] if colour else whole
