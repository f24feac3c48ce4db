"""Shortens texts and documents that are too long. Pure, and independent of Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

LIMIT = 60_000
"""Characters: GitHub refuses a body of more than 65,536."""


def truncate(render: Callable[[Mapping[str, int]], str], rows: Mapping[str, Sequence[str]], limit: int = LIMIT) -> str:
    """Renders with as many rows as fit.

    Args:
        render: makes the document, given how many rows of each table to keep; it says itself what was left out.
        rows: the rows of every table that may be shortened, in the order in which the tables give way.
        limit: the most characters that the document may have.

    Returns:
        The whole document where it fits; else with tables cut from their ends, one table after the other.
    """
    keep = {name: len(lines) for name, lines in rows.items()}
    document = render(keep)
    for name, lines in rows.items():
        while len(document) > limit and keep[name]:
            excess = len(document) - limit
            while keep[name] and excess > 0:
                keep[name] -= 1
                excess -= len(lines[keep[name]]) + 1
            document = render(keep)
    return document


def cut(text: str, limit: int) -> str:
    """The beginning of a text that is too long to be shown."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit:,} characters more)"
