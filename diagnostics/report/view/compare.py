"""What changed between two runs: a pure function of two views.

Cells are the same where their environment, provider, scenario, load and fix are. Environments are the same where they
have the same slug. Of those left over, one of each run that are alike in Python and in the names of their packages are
taken for one whose releases moved; where several are alike, nothing is guessed: they vanished and appeared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diagnostics.model.cell import BASELINE
from diagnostics.model.words import SYMPTOM_NAMES
from diagnostics.report.view.history import version_key
from diagnostics.report.view.tally import scenario_name
from diagnostics.report.view.view_models import FixOutcome, View
from diagnostics.runs.records import EnvironmentRow


@dataclass(frozen=True)
class ComparedCell:
    """What is compared; `fix` is `none` for the baseline."""

    environment: str
    provider: str
    scenario: str
    fix: str


@dataclass(frozen=True)
class VerdictChange:
    """A cell that is not what it was; of a cell that appeared `before` is `None`, of one that vanished `after`.

    Attributes:
        before: what it said: the symptom of a baseline, the verdict of a fix, or the status where nothing ran.
        better: whether it is better than before; `None` where that cannot be said.
    """

    cell: ComparedCell
    before: str | None
    after: str | None
    better: bool | None


@dataclass(frozen=True)
class Moved:
    """A package whose release is another one now; "" where there is none. The environments by their slug."""

    package: str
    before: str
    after: str
    environments: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """Everything that changed; `same` counts the cells that say what they said."""

    before: str
    after: str
    changed: tuple[VerdictChange, ...]
    appeared: tuple[VerdictChange, ...]
    vanished: tuple[VerdictChange, ...]
    moved: tuple[Moved, ...]
    same: int


# From the best to the worst; only what stands in one of these can be better or worse than another.
_ORDERS = (
    tuple(SYMPTOM_NAMES.values()),
    ("removes", "hides", "no effect", "worsens"),
)


def compare(before: View, after: View) -> Changes:
    """What changed from one run to another."""
    pairs = _pairs(before.environments, after.environments)
    old, new = _cells(before, pairs), _cells(after, {})
    changes = [
        VerdictChange(cell, old.get(cell), new.get(cell), _better(old.get(cell), new.get(cell)))
        for cell in sorted(
            old.keys() | new.keys(), key=lambda c: (c.provider, c.scenario, c.fix != BASELINE, c.fix, c.environment)
        )
        if old.get(cell) != new.get(cell)
    ]
    return Changes(
        before=before.meta.started,
        after=after.meta.started,
        changed=tuple(each for each in changes if None not in (each.before, each.after)),
        appeared=tuple(each for each in changes if each.before is None),
        vanished=tuple(each for each in changes if each.after is None),
        moved=_moved(before.environments, after.environments, pairs),
        same=sum(old[cell] == new[cell] for cell in old.keys() & new.keys()),
    )


def _pairs(before: Iterable[EnvironmentRow], after: Iterable[EnvironmentRow]) -> dict[str, str]:
    """The slug in the first run to the slug in the second, for every environment that both have."""
    old, new = {row.slug: row for row in before}, {row.slug: row for row in after}
    pairs = {slug: slug for slug in old if slug in new}
    alike: dict[tuple[object, ...], tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, rows in enumerate((old, new)):
        for slug, row in rows.items():
            if slug not in pairs and row.packages:
                alike[_kind(row)][side].append(slug)
    for gone, come in alike.values():
        if len(gone) == len(come) == 1:
            pairs[gone[0]] = come[0]
    return pairs


def _kind(row: EnvironmentRow) -> tuple[object, ...]:
    return (".".join(row.python.split(".")[:2]), frozenset(row.packages))


def _cells(view: View, pairs: Mapping[str, str]) -> dict[ComparedCell, str]:
    found = {}
    for subject in view.subjects:
        slug = pairs.get(subject.environment.slug, subject.environment.slug)
        for result in (*filter(None, [subject.baseline]), *subject.fixes):
            cell = ComparedCell(slug, subject.provider, scenario_name(subject, with_load=True), result.fix)
            found[cell] = _said(result)
    return found


def _said(result: FixOutcome) -> str:
    if result.status != "ran":
        return result.status
    if result.fix == BASELINE or result.verdict is None:
        return SYMPTOM_NAMES[result.symptom or "none"]
    return result.verdict


def _better(before: str | None, after: str | None) -> bool | None:
    for order in _ORDERS:
        if before in order and after in order:
            return order.index(after) < order.index(before)
    return None


def _moved(
    before: Iterable[EnvironmentRow], after: Iterable[EnvironmentRow], pairs: Mapping[str, str]
) -> tuple[Moved, ...]:
    new = {row.slug: row for row in after}
    where: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in {row.slug: row for row in before}.values():
        other = new[pairs[row.slug]] if row.slug in pairs else None
        if other is None or row.status != "ran" or other.status != "ran":
            continue
        mine, theirs = {"python": row.python, **row.packages}, {"python": other.python, **other.packages}
        for name in mine.keys() | theirs.keys():
            if mine.get(name) != theirs.get(name):
                where[name, mine.get(name, ""), theirs.get(name, "")].append(other.slug)
    ordered = sorted(where, key=lambda move: (move[0], version_key(move[1]), version_key(move[2])))
    return tuple(Moved(*move, tuple(sorted(where[move]))) for move in ordered)
