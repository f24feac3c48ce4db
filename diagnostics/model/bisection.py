"""Which release changed it: the record of a search through the releases of a package, in the form of its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from diagnostics.model.cell import Load
from diagnostics.model.codec import RecordError
from diagnostics.model.field_types import Signed, Text, Version, Word
from diagnostics.model.trial import Accounting

CAUSES: Final[dict[str, str]] = {
    "package": "with the same other packages, the two releases still differ",
    "others": "with the same other packages, the two releases do the same",
    "cannot tell": "other packages changed too, and the two releases cannot be tested with the same ones",
}
"""What a change is put down to."""


@dataclass(frozen=True)
class Outcome:
    """What came out of the trials of a release, as far as it is the same from one trial to the next.

    Attributes:
        symptom: one of `model.words.SYMPTOMS`.
        findings: the kinds that the sanitizer saw, sorted.
        answers: how many calls were answered: `all`, `some`, `none`.
        requests: what the server received: `one a call`, `more`, `fewer`.
        repeats: whether requests said that they repeat another.
        recovers: see `Trial.recovers`.
        exit_status: of a person's script; `None` for a cell.
        evidence: the line that shows the symptom; two outcomes that differ in nothing else are the same.
    """

    symptom: Word
    findings: tuple[Word, ...] = ()
    answers: Word = "all"
    requests: Word = "one a call"
    repeats: bool = False
    exit_status: Signed | None = None
    recovers: bool | None = None
    evidence: Text | None = field(default=None, compare=False)

    def difference(self, after: Outcome) -> list[str]:
        """What changed from this one to another, one line each."""
        lines = []
        for name in ("symptom", "answers", "requests", "repeats", "recovers", "exit_status"):
            one, other = getattr(self, name), getattr(after, name)
            if one != other:
                lines.append(f"{name.replace('_', ' ')}: {_word(one)} → {_word(other)}")
        gone = [f"−{kind}" for kind in self.findings if kind not in after.findings]
        new = [f"+{kind}" for kind in after.findings if kind not in self.findings]
        return lines + ([f"findings: {' '.join(gone + new)}"] if gone or new else [])


def _word(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def answers_word(accounting: Accounting) -> str:
    """How many of the calls were answered."""
    if accounting.answers >= accounting.calls:
        return "all"
    return "some" if accounting.answers else "none"


def requests_word(accounting: Accounting) -> str:
    """What the server received, against the calls."""
    if accounting.requests == accounting.calls:
        return "one a call"
    return "more" if accounting.requests > accounting.calls else "fewer"


@dataclass(frozen=True)
class TriedRelease:
    """A release that was tested.

    Attributes:
        version: of the package.
        day: on which it was published.
        outcome: `None` where there is none; then there is a reason.
        trials: how many there were.
        environment: the name of what it ran in.
        packages: everything that was installed; kept for both sides of a change only.
    """

    version: Version
    day: Word
    outcome: Outcome | None = None
    reason: Text | None = None
    trials: int = 0
    environment: Word | None = None
    packages: dict[Word, Version] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class ReleaseChange:
    """Two releases that differ, with nothing between them that could tell.

    Attributes:
        skipped: releases between them without an outcome, with the reason.
        moved: the other packages that differ in version: name to both, `None` where it is not there.
        cause: one of `CAUSES`.
        compare: where the two releases can be read side by side, if the package says where it is developed.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("difference",)

    before: TriedRelease
    after: TriedRelease
    skipped: dict[Version, Text] = field(default_factory=dict)
    moved: dict[Word, tuple[Version | None, Version | None]] = field(default_factory=dict)
    cause: Word = "package"
    compare: Text | None = None

    @property
    def difference(self) -> list[str]:
        """What changed, one line each."""
        return _outcome(self.before).difference(_outcome(self.after))


@dataclass(frozen=True)
class ReleaseSpan:
    """Releases with one outcome, as far as they were tested; the first and the last were.

    Attributes:
        releases: how many there are from the first to the last, those without an outcome included.
        looked: how many of them told.
    """

    first: Version
    last: Version
    first_day: Word
    last_day: Word
    releases: int
    looked: int
    outcome: Outcome


@dataclass(frozen=True)
class Bisection:
    """A search and what it found.

    Attributes:
        what: the scenario, or the name of the script.
        is_script: which of the two.
        python: the full version.
        hold: how the other packages were held: `date`, or a day.
        requirements: the other requirements.
        by: what counts as a change.
        every: whether all changes were looked for, not just one.
        releases: how many there are from the first to the last that were in question.
        tried: what was tested, oldest version first.
        command: what a person types to see it again.
        seconds: how long it took.
    """

    SCHEMA: ClassVar[str] = "diagnostics.bisect/2"

    package: Word
    provider: Word
    what: Text
    is_script: bool
    fix: Word
    load: Load
    python: Version
    loop: Word
    hold: Word
    requirements: tuple[Text, ...]
    by: Word
    every: bool
    releases: int
    changes: tuple[ReleaseChange, ...]
    history: tuple[ReleaseSpan, ...]
    tried: tuple[TriedRelease, ...]
    command: tuple[Text, ...]
    seconds: float

    @property
    def cannot_tell(self) -> tuple[TriedRelease, ...]:
        return tuple(tried for tried in self.tried if tried.outcome is None)


def _outcome(tried: TriedRelease) -> Outcome:
    if tried.outcome is None:
        raise RecordError(f"{tried.version} has no outcome, so it cannot be one side of a change")
    return tried.outcome
