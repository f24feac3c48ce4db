"""Which release changed it: the record of a search through the releases of a package, in the form of its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from diagnostics.model.cell import Load
from diagnostics.model.trial import Accounting, RecordError

BISECT_SCHEMA = "diagnostics.bisect/1"

CAUSES: Final[dict[str, str]] = {
    "package": "with the same other packages, the two releases still differ",
    "others": "with the same other packages, the two releases do the same: it is one of those that moved",
    "cannot tell": "other packages moved too, and the two releases cannot be tried with the same ones",
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
        exit_status: of a person's script; `None` for a cell.
        evidence: the line that shows the symptom; two outcomes that differ in nothing else are the same.
    """

    symptom: str
    findings: tuple[str, ...] = ()
    answers: str = "all"
    requests: str = "one a call"
    repeats: bool = False
    exit_status: int | None = None
    evidence: str | None = field(default=None, compare=False)

    def difference(self, after: Outcome) -> list[str]:
        """What changed from this one to another, one line each."""
        lines = []
        for name in ("symptom", "answers", "requests", "repeats", "exit_status"):
            one, other = getattr(self, name), getattr(after, name)
            if one != other:
                lines.append(f"{name.replace('_', ' ')}: {_word(one)} → {_word(other)}")
        gone = [f"−{kind}" for kind in self.findings if kind not in after.findings]
        new = [f"+{kind}" for kind in after.findings if kind not in self.findings]
        return lines + ([f"findings: {' '.join(gone + new)}"] if gone or new else [])

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        return cls(**{**data, "findings": tuple(data["findings"])})


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
    """A release that was looked at.

    Attributes:
        version: of the package.
        day: on which it was published.
        outcome: `None` where it cannot tell; then there is a reason.
        trials: how many there were.
        environment: the name of what it ran in.
        packages: everything in that; not in the JSON of a mere look.
    """

    version: str
    day: str
    outcome: Outcome | None = None
    reason: str | None = None
    trials: int = 0
    environment: str | None = None
    packages: dict[str, str] = field(default_factory=dict, compare=False)

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        del data["packages"]
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any], packages: Mapping[str, str] | None = None) -> TriedRelease:
        outcome = None if data["outcome"] is None else Outcome.from_json(data["outcome"])
        return cls(**{**data, "outcome": outcome}, packages=dict(packages or {}))


@dataclass(frozen=True)
class ReleaseChange:
    """Two releases that differ, with nothing between them that could tell.

    Attributes:
        skipped: releases between them that cannot tell, with the reason; an empty one is "not looked at".
        moved: the other packages that differ in version: name to both, `None` where it is not there.
        cause: one of `CAUSES`.
        compare: where the two releases can be read side by side, if the package says where it is developed.
    """

    before: TriedRelease
    after: TriedRelease
    skipped: dict[str, str] = field(default_factory=dict)
    moved: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    cause: str = "package"
    compare: str | None = None

    def to_json(self) -> dict[str, Any]:
        before, after = _told(self.before), _told(self.after)
        return {
            "before": self.before.version,
            "after": self.after.version,
            "from": before.symptom,
            "to": after.symptom,
            "difference": before.difference(after),
            "skipped": self.skipped,
            "moved": self.moved,
            "cause": self.cause,
            "compare": self.compare,
            "locks": {"before": self.before.packages, "after": self.after.packages},
        }


@dataclass(frozen=True)
class ReleaseSpan:
    """Releases with one outcome, as far as they were looked at; the first and the last were.

    Attributes:
        releases: how many there are from the first to the last, those that cannot tell included.
        looked: how many of them told.
    """

    first: str
    last: str
    first_day: str
    last_day: str
    releases: int
    looked: int
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "symptom": self.outcome.symptom}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ReleaseSpan:
        fields = {name: value for name, value in data.items() if name != "symptom"}
        return cls(**{**fields, "outcome": Outcome.from_json(data["outcome"])})


@dataclass(frozen=True)
class Bisection:
    """A search and what it found.

    Attributes:
        what: the scenario, or the name of the script.
        is_script: which of the two.
        python: the full version.
        hold: how the other packages were held: `date`, or a day.
        requirements: what else was asked for.
        by: what counts as a change.
        every: whether all changes were looked for, not just one.
        releases: how many there are from the first to the last that were in question.
        tried: what was looked at, oldest version first.
        command: what a person types to see it again.
        seconds: how long it took.
    """

    package: str
    provider: str
    what: str
    is_script: bool
    fix: str
    load: Load
    python: str
    loop: str
    hold: str
    requirements: tuple[str, ...]
    by: str
    every: bool
    releases: int
    changes: tuple[ReleaseChange, ...]
    history: tuple[ReleaseSpan, ...]
    tried: tuple[TriedRelease, ...]
    command: tuple[str, ...]
    seconds: float

    @property
    def cannot_tell(self) -> tuple[TriedRelease, ...]:
        return tuple(tried for tried in self.tried if tried.outcome is None)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": BISECT_SCHEMA,
            "package": self.package,
            "provider": self.provider,
            "scenario": None if self.is_script else self.what,
            "script": self.what if self.is_script else None,
            "fix": self.fix,
            "load": self.load.to_json(),
            "python": self.python,
            "loop": self.loop,
            "hold": self.hold,
            "requirements": list(self.requirements),
            "by": self.by,
            "all": self.every,
            "boundaries": [change.to_json() for change in self.changes],
            "history": [stretch.to_json() for stretch in self.history],
            "tried": len(self.tried),
            "releases": self.releases,
            "cannot_tell": [tried.version for tried in self.cannot_tell],
            "looks": [tried.to_json() for tried in self.tried],
            "command": list(self.command),
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, data: Any) -> Bisection:
        """Reads what `to_json` wrote.

        Raises:
            RecordError: the schema is another one, or a field is missing or wrong.
        """
        if not isinstance(data, dict) or data.get("schema") != BISECT_SCHEMA:
            raise RecordError(f"not a record of schema {BISECT_SCHEMA}")
        try:
            tried = {look["version"]: look for look in data["looks"]}
            return cls(
                package=data["package"],
                provider=data["provider"],
                what=data["script"] if data["scenario"] is None else data["scenario"],
                is_script=data["scenario"] is None,
                fix=data["fix"],
                load=Load.from_json(data["load"]),
                python=data["python"],
                loop=data["loop"],
                hold=data["hold"],
                requirements=tuple(data["requirements"]),
                by=data["by"],
                every=data["all"],
                releases=data["releases"],
                changes=tuple(_change(each, tried) for each in data["boundaries"]),
                history=tuple(ReleaseSpan.from_json(each) for each in data["history"]),
                tried=tuple(TriedRelease.from_json(each) for each in data["looks"]),
                command=tuple(data["command"]),
                seconds=data["seconds"],
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise RecordError(f"a field is missing or wrong: {error}") from error


def _change(data: Mapping[str, Any], tried: Mapping[str, Mapping[str, Any]]) -> ReleaseChange:
    return ReleaseChange(
        before=TriedRelease.from_json(tried[data["before"]], data["locks"]["before"]),
        after=TriedRelease.from_json(tried[data["after"]], data["locks"]["after"]),
        skipped=dict(data["skipped"]),
        moved={name: (one, other) for name, (one, other) in data["moved"].items()},
        cause=data["cause"],
        compare=data["compare"],
    )


def _told(tried: TriedRelease) -> Outcome:
    if tried.outcome is None:
        raise RecordError(f"{tried.version} cannot tell, so that it is no side of a change")
    return tried.outcome
