"""Public issues about clients that outlive their loop, read from `known_issues.toml`, and how to recognise one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any, Final

import tomllib

from diagnostics.model.cell import Cell
from diagnostics.model.trial import Trial
from diagnostics.report.view.view_models import FixOutcome, Subject


@dataclass(frozen=True)
class Fingerprint:
    """What a trial has to show; an empty field asks for nothing.

    Attributes:
        providers: one of these ran.
        scenarios: in one of these.
        symptom: the trial's symptom.
        evidence: texts that all occur in the evidence.
        leaks: whether descriptors were left open.
    """

    providers: tuple[str, ...]
    scenarios: tuple[str, ...] = ()
    symptom: str = ""
    evidence: tuple[str, ...] = ()
    leaks: bool = False

    def matches(self, cell: Cell | Subject, shown: Trial | FixOutcome) -> bool:
        """Whether what a trial or a baseline showed is all of it."""
        return (
            shown.status == "ran"
            and cell.provider in self.providers
            and (not self.scenarios or cell.scenario in self.scenarios)
            and self.symptom in ("", shown.symptom)
            and all(text in (shown.evidence or "") for text in self.evidence)
            and (not self.leaks or shown.accounting.fds_left > 0)
        )


@dataclass(frozen=True)
class KnownIssue:
    """One thread.

    Attributes:
        title: what it is about, in our words.
        affected: releases, as the thread names them.
        outcome: its state on `checked`.
        checked: the day on which the row was last compared with the thread.
        read: `thread`, or `cited` if only another thread about it was read.
        fingerprints: a trial shows the issue if it matches any of them.
    """

    url: str
    title: str
    affected: str
    outcome: str
    checked: date
    read: str
    fingerprints: tuple[Fingerprint, ...]

    @property
    def name(self) -> str:
        """Such as `openai-python #1254`."""
        parts = self.url.removeprefix("https://github.com/").split("/")
        return f"{parts[1]} #{parts[3]}"

    def matches(self, trial: Trial) -> bool:
        """Whether a trial shows what the issue describes; the affected releases may be others."""
        return any(fingerprint.matches(trial.cell, trial) for fingerprint in self.fingerprints)

    def describes(self, subject: Subject) -> bool:
        """Whether the baseline of a combination shows what the issue describes."""
        baseline = subject.baseline
        return baseline is not None and any(each.matches(subject, baseline) for each in self.fingerprints)


def parse(text: str) -> tuple[KnownIssue, ...]:
    """The issues of a TOML document, in its order.

    Raises:
        ValueError: the document is not TOML, or a row lacks a field or has an unknown one.
    """
    return tuple(_issue(row) for row in tomllib.loads(text)["issue"])


def _issue(row: Mapping[str, Any]) -> KnownIssue:
    fields = dict(row)
    try:
        fingerprints = tuple(_fingerprint(each) for each in fields.pop("any"))
        return KnownIssue(**fields, fingerprints=fingerprints)
    except (KeyError, TypeError) as error:
        raise ValueError(f"known issue {row.get('url', 'without url')}: {error}") from error


def _fingerprint(row: Mapping[str, Any]) -> Fingerprint:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    return Fingerprint(**fields)


KNOWN_ISSUES: Final = parse(files("diagnostics.report.issues").joinpath("known_issues.toml").read_text("utf-8"))

CHECKED: Final = min(issue.checked for issue in KNOWN_ISSUES)
"""The day on which the row that was left alone longest was checked."""


def matching(trials: Sequence[Trial]) -> list[tuple[KnownIssue, list[Trial]]]:
    """The issues that some of the trials show, each with those trials; in the order of the table."""
    found = [(issue, [trial for trial in trials if issue.matches(trial)]) for issue in KNOWN_ISSUES]
    return [(issue, shown) for issue, shown in found if shown]
