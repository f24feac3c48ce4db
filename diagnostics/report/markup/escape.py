"""Makes any text from a run safe inside GitHub-flavoured Markdown.

Every function returns `Md`, and the template renders whatever is not `Md` through `text`, so nothing reaches the
document unescaped by omission. Promised for any input: one table cell stays one table cell, nothing becomes markup,
HTML, a diagram, a link, a mention of a person or a reference to an issue.
"""

from __future__ import annotations

import re

from markupsafe import Markup

Md = Markup
"""Text that is Markdown already."""

_PLAIN_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 .,:;=+/_@%<>()\[\]\"'…-]*[A-Za-z0-9.,:;=+/_)\]\"'…-])?")
# Inside a word _ is only itself; `<`, `&` and `!` are, before what cannot follow them in a tag, an entity or an image.
_MARKUP = re.compile(r"[\\`*\[\]{}|~$^]|<(?=[A-Za-z/!?]|$)|&(?! )|!(?=\[|$)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# What could reorder or hide the text around it: control characters, zero width and bidirectional marks.
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff\\ud800-\\udfff]"
)
_SPACE = re.compile(r"\s+")
# GitHub looks for these after entities are resolved; a character of no width keeps them apart.
_REFERENCE = re.compile(r"@(?=\w)|#(?=\d)|\bGH-(?=\d)|://|\bwww\.", re.IGNORECASE)
NO_WIDTH = "\u200b"  # in no text by then: it is one of the invisible


def text(value: object, limit: int = 2000) -> Md:
    """A sentence: one line, every character with a meaning in Markdown as an entity, cut after `limit` characters."""
    # A line that opens a list, a heading, a rule or a quotation; entities are never structure.
    opens = r"^([-+=#:>]|\d+(?=[.)](?: |$)))"
    return Md(re.sub(opens, lambda found: f"&#{ord(found[1][0])};{found[1][1:]}", _escaped(str(value), limit)))


def _escaped(value: str, limit: int) -> str:
    line = one_line(value, limit)
    apart = _REFERENCE.sub(lambda match: match.group() + NO_WIDTH, line)
    escaped = _MARKUP.sub(lambda match: f"&#{ord(match.group())};", apart)
    return escaped.replace(NO_WIDTH, "&#8203;")


def prose(value: str, limit: int = 2000) -> Md:
    """A sentence in which words between backticks are code."""
    parts = re.split(r"`([^`]+)`", one_line(value, limit))
    # Joined by what `text` would strip from the end of each part.
    shown = ""
    for number, part in enumerate(parts):
        shown += code(part) if number % 2 else _edges(part, opens=not shown.strip())
    return Md(shown)


def code(value: object, limit: int = 200) -> Md:
    """A name or a short piece of output as inline code: one line, cut after `limit` characters."""
    line = one_line(str(value), limit)
    if _PLAIN_CODE.fullmatch(line):
        return Md(f"`{line}`")
    if not line:
        return Md("")
    escaped = "".join(char if char.isalnum() or char in " .,-" else f"&#{ord(char)};" for char in line)
    return Md(f"<code>{escaped}</code>")


def fence(value: str, limit: int = 1500, language: str = "text") -> Md:
    """Several lines of output as a block; the fence is longer than any in the text, the middle is cut."""
    lines = _INVISIBLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
    lines = re.sub("[\\u0085\\u2028\\u2029]", "\n", lines)
    if len(lines) > limit:
        lines = f"{lines[: limit // 2]}\n… {len(lines) - limit:,} characters left out …\n{lines[-(limit // 2) :]}"
    longest = max((len(run) for run in re.findall(r"`+", lines)), default=0)
    ticks = "`" * max(3, longest + 1)
    return Md(f"{ticks}{language}\n{lines}\n{ticks}")


def _edges(part: str, *, opens: bool) -> str:
    """Text between two pieces of code, its outer blanks kept."""
    inner = part.strip()
    return part.replace(inner, text(inner) if opens else _escaped(inner, len(inner))) if inner else part


def row(cells: list[Md]) -> Md:
    """One line of a table."""
    return Md("| " + " | ".join(cells) + " |")


def one_line(value: str, limit: int) -> str:
    """Not escaped: no line break, nothing that cannot be seen, cut after `limit` characters."""
    # What goes may have kept two blanks apart.
    line = _SPACE.sub(" ", _INVISIBLE.sub("", _SPACE.sub(" ", value))).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
