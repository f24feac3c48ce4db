"""What the run behind an issue says of its case: the matrix in small, a timeline, and what removes the error. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.model.cell import BASELINE
from diagnostics.model.libraries import named
from diagnostics.report.issues.issue_model import Posting, shows
from diagnostics.report.markup import mermaid
from diagnostics.report.markup.escape import Md, code, prose, row, text
from diagnostics.report.view.history import version_key
from diagnostics.report.view.phrasing import count
from diagnostics.report.view.tally import MARKS, scenarios, tally
from diagnostics.report.view.view_models import Subject, View
from diagnostics.runs.records import EnvironmentRow

MOST_COLUMNS, MOST_FIXES = 6, 8
_STACKS = tuple(reversed(named("client")))


@dataclass(frozen=True)
class Material:
    """What a body is made of.

    Attributes:
        subjects: of the run, those that concern the project.
        row: the environment with the newest release concerned; `None` where the run has none.
        matrix_rows: how many rows of the matrix are kept, so that the body stays short enough.
        output_limit: characters of the script's output that are kept.
    """

    view: View
    posting: Posting
    subjects: tuple[Subject, ...]
    row: EnvironmentRow | None
    matrix_rows: int = 20
    output_limit: int = 12_000

    @property
    def of_the_case(self) -> tuple[Subject, ...]:
        """The subjects that played the scenario of the case."""
        return tuple(each for each in self.subjects if each.scenario == self.posting.case.scenario)


def matrix(material: Material) -> str:
    """The baseline's symptom by scenario and release, the newest Python of each release."""
    columns = _columns(material)
    if not columns:
        return ""
    rows = []
    for name, found in scenarios(material.subjects).items():
        by_environment = {each.environment.name: each for each in found}
        cells = [_symptom(by_environment.get(where.name)) for where in columns]
        rows.append(row([code(name), *cells]))
    kept = rows[: material.matrix_rows]
    left = f"\n\n{len(rows) - len(kept)} more scenarios were run." if len(kept) < len(rows) else ""
    head = [row([Md("scenario, no fix"), *(text(release(where, material), 80) for where in columns)])]
    head.append(row([Md("---")] * (len(columns) + 1)))
    return folded("Summary of the matrix: symptoms without a fix", "\n".join([*head, *kept]) + left)


def _columns(material: Material) -> list[EnvironmentRow]:
    """One environment for each release, the newest releases: on the newest Python and the newest HTTP stack."""
    package = material.posting.project.package
    rows = {each.environment.name: each.environment for each in material.subjects}.values()
    ranked = sorted(rows, key=lambda where: _rank(where, package))
    best = {where.packages.get(package) or where.python: where for where in ranked}  # the last of a release stays
    return [best[release] for release in sorted(best, key=version_key)[-MOST_COLUMNS:]]


def _rank(where: EnvironmentRow, package: str) -> tuple[object, ...]:
    stack = next((where.packages[name] for name in _STACKS if name in where.packages), "")
    versions = (where.packages.get(package, ""), where.python, stack)
    return (*map(version_key, versions), -len(where.packages))


def _symptom(subject: Subject | None) -> Md:
    if subject is None or subject.baseline is None or subject.baseline.symptom is None:
        return Md("—")
    baseline = subject.baseline
    left = baseline.symptom == "none" and shows(subject)
    return Md("none, connections left open" if left else baseline.seen)


def timeline(material: Material) -> str:
    """The baseline of the case as a diagram, from the environment with the newest release that kept one."""
    package = material.posting.project.package
    rows = {each.environment.label: each.environment for each in material.of_the_case}
    providers = {each.provider for each in material.of_the_case}
    found = [
        each
        for each in material.view.timelines
        if each.scenario == material.posting.case.scenario and each.fix == BASELINE and each.provider in providers
    ]
    found = [each for each in found if each.environment in rows]
    drawn = ""
    if found:
        chosen = max(found, key=lambda each: (_rank(rows[each.environment], package), each.provider, each.key))
        drawn = mermaid.sequence(chosen.events)
    if not drawn:
        return ""
    said = f"One instrumented trial of {code(chosen.scenario)} with {code(chosen.provider)}, "
    said += text(release(rows[chosen.environment], material), 120)
    return f"{said}:\n\n```mermaid\n{drawn}```"


def always_works(material: Material) -> list[str]:
    """The fixes that remove the error wherever they were tried in the scenario of the case."""
    tallies = {fix: tally(material.of_the_case, fix) for fix in material.view.fixes}
    return [fix for fix, found in tallies.items() if found.said and found.removes == found.said][:MOST_FIXES]


def fix(material: Material) -> str:
    """What removes the error in the scenario of the case, and what it costs, from the run."""
    subjects = material.of_the_case
    tallies = {fix: tally(subjects, fix) for fix in material.view.fixes}
    works = [fix for fix, found in tallies.items() if found.said and found.removes == found.said]
    partly = [fix for fix, found in tallies.items() if 0 < found.removes < found.said]
    if not works and not partly:
        return ""
    head = [row([Md("fix"), Md("combinations"), Md("trade-off")]), row([Md("---")] * 3)]
    notes = material.view.fix_notes
    rows = [
        row(
            [
                code(fix),
                Md(f"{MARKS['removes']} {tallies[fix].removes} of {tallies[fix].said}"),
                prose(notes.get(fix, ""), 200),
            ]
        )
        for fix in (*works, *partly)[:MOST_FIXES]
    ]
    return "**Workarounds**, compared with a baseline in the same environment:\n\n" + "\n".join([*head, *rows])


def release(where: EnvironmentRow, material: Material) -> str:
    """Such as `openai 3.54.0 (httpx2 2.16.2), Python 3.13.0`."""
    package = material.posting.project.package
    version = where.packages.get(package)
    stack = next((name for name in _STACKS if name in where.packages and name != package), None)
    below = f" ({stack} {where.packages[stack]})" if stack else ""
    return f"{package} {version}{below}, Python {where.python}" if version else f"Python {where.python}"


def folded(summary: str, body: str) -> str:
    """Markdown that opens on a click."""
    return f"<details><summary>{text(summary)}</summary>\n\n{body}\n\n</details>"


def in_the_matrix(material: Material) -> str:
    """In how many environments the case showed something, and whether it does on the newest release."""
    found = [each for each in material.of_the_case if each.baseline is not None and each.baseline.status == "ran"]
    case = code(material.posting.case.scenario)
    if not found:
        return f"{case} was not tried with this project's package."
    seen = [each for each in found if shows(each)]
    said = f"{case} reproduced it in {len(seen)} of {count(len(found), 'environment')}"
    row = material.row
    latest = [each for each in found if row is not None and each.environment.name == row.name]
    if latest:
        silent = (
            "it reproduces on the newest release tested"
            if any(map(shows, latest))
            else "it does not on the newest release tested"
        )
        said += f"; {silent}, {text(release(latest[0].environment, material), 120)}"
    return f"{said}."
