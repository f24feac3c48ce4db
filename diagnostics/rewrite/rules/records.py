"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.values import ValueReader


@dataclass(frozen=True)
class Alert:
    """One mistake in the source.

    Attributes:
        code: of the rule.
        name: of the rule.
        message: what is wrong, in a sentence without a full stop.
        lines: the first is the one to change.
        help: what to do.
        confirmed: whether a run showed it.
    """

    code: str
    name: str
    message: str
    lines: tuple[MarkedLine, ...]
    help: str
    confirmed: bool = False


@dataclass(frozen=True)
class CheckRule:
    """A kind of mistake.

    Attributes:
        code: stable, as in `EL001`.
        name: stable and readable.
        summary: what the code does, as a noun phrase.
        why: what comes of it, and where the rule is silent; for the reference.
        wrong: a program with the mistake, and nothing else.
        right: the same program without it.
        find: yields what a tree has of it.
    """

    code: str
    name: str
    summary: str
    why: str
    wrong: str
    right: str
    find: Callable[[ValueReader], Iterator[tuple[str, tuple[MarkedLine, ...], str]]]

    def alerts(self, reader: ValueReader) -> Iterator[Alert]:
        """Yields an alert for each mistake: its message, its lines and what to do."""
        for message, lines, advice in self.find(reader):
            yield Alert(self.code, self.name, message, lines, advice)
