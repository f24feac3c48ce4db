"""What an upstream issue is made of: a project, its form, the case to be shown, and what its script gave.

Data and pure choices only. Projects are files of `projects/`; `script.py` writes the script of a case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from packaging.version import Version

from diagnostics.report.view.history import version_key
from diagnostics.report.view.view_models import Subject, View
from diagnostics.runs.records import EnvironmentRow


@dataclass(frozen=True)
class Field:
    """One heading of a project's form, and the parts (`parts.PARTS`) that stand below it, in this order.

    Attributes:
        heading: as the form spells it; "" goes on without one.
        boxes: the labels of boxes to tick; a person ticks them.
    """

    heading: str
    parts: tuple[str, ...] = ()
    boxes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One way to show the error with a project's package alone.

    Attributes:
        scenario: of the matrix, the one that this stands for.
        template: of `scripts/`.
        title: for the issue.
        what: what happens, for the issue and for the script's docstring.
        expected: what a person would expect instead.
        request: what the project is asked to change, in a sentence.
        whose: "" where it is this project's to change; else whose it is and why, in a sentence.
    """

    scenario: str
    template: str
    title: str
    what: str
    expected: str
    request: str
    whose: str = ""


@dataclass(frozen=True)
class Project:
    """Where an issue goes, and what is said there.

    Attributes:
        repository: on GitHub.
        start: where a report begins: the path below the repository, such as `issues/new`.
        form: its headings, in its order.
        cases: the ways to show the error, the most telling first.
        providers: of the matrix, those that concern it.
        package: the distribution whose newest release is looked for; "" for the interpreter itself.
        needs: distributions that an environment must hold, so that the script runs and a subject concerns the project.
        shown: distributions whose versions are listed if they are installed.
        words: what the script templates leave open.
    """

    name: str
    repository: str
    start: str
    form: tuple[Field, ...]
    cases: tuple[Case, ...]
    providers: tuple[str, ...]
    package: str
    needs: tuple[str, ...]
    shown: tuple[str, ...]
    words: Mapping[str, str]


@dataclass(frozen=True)
class ScriptRun:
    """What the script of an issue gave, secrets removed, or why it was not run.

    Attributes:
        where: what it ran in, such as `Python 3.13.0, openai 3.54.0`.
        system: the operating system and machine, such as `Linux x86_64`.
        python: the interpreter in full, as `python -VV` says it.
        packages: what was installed there.
        exit_status: `None` where it did not end by itself.
        reason: why it was not run, or was ended; `None` where it ended by itself.
    """

    where: str = ""
    system: str = ""
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    exit_status: int | None = None
    output: str = ""
    seconds: float = 0.0
    reason: str | None = None


@dataclass(frozen=True)
class Posting:
    """An issue to be: whose, which case, and what its script gave."""

    project: Project
    case: Case
    run: ScriptRun

    @property
    def unverified(self) -> str:
        """Why nobody may rely on the script; "" where it reproduced the error."""
        if self.run.reason is not None:
            return f"its script was not run to its end: {self.run.reason}"
        said = {0: "its script did not reproduce the error", 1: ""}
        return said.get(self.run.exit_status or 0, "its script could not tell whether the error is there")


NOT_RUN = ScriptRun(reason="it was not requested")


def concerned(view: View, project: Project) -> tuple[Subject, ...]:
    """The subjects of a run that say something about a project."""
    return tuple(
        subject for subject in view.subjects if subject.provider in project.providers and fits(subject, project)
    )


def fits(subject: Subject, project: Project) -> bool:
    """Whether the environment of a subject holds what the project's script needs."""
    return all(name in subject.environment.packages for name in project.needs)


def newest(rows: Iterable[EnvironmentRow], project: Project) -> EnvironmentRow | None:
    """The environment that holds the newest release concerned; of several the newest Python, then the fewest."""
    made = [row for row in rows if row.status == "ran" and all(name in row.packages for name in project.needs)]
    return max(made, key=lambda row: (*_release(row, project), -len(row.packages), row.name), default=None)


def _release(row: EnvironmentRow, project: Project) -> tuple[tuple[bool, Version, str], tuple[bool, Version, str]]:
    return version_key(row.packages.get(project.package, "")), version_key(row.python)


def choose_case(view: View, project: Project) -> Case:
    """The first case that the newest release of this run shows; else the first that any shows; else the first."""
    subjects = concerned(view, project)
    row = newest((subject.environment for subject in subjects), project)
    latest = [subject for subject in subjects if row is not None and _same_release(subject.environment, row, project)]
    for among in (latest, subjects):
        seen = {subject.scenario for subject in among if shows(subject)}
        found = next((case for case in project.cases if case.scenario in seen), None)
        if found is not None:
            return found
    return project.cases[0]


def _same_release(one: EnvironmentRow, other: EnvironmentRow, project: Project) -> bool:
    return _release(one, project)[0] == _release(other, project)[0]


def shows(subject: Subject) -> bool:
    """Whether the baseline showed a symptom, or the sanitizer found something in it."""
    baseline = subject.baseline
    found = baseline is not None and any(finding.severity != "note" for finding in baseline.findings)
    return subject.reproduced or found
