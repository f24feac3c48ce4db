"""`issue-<project>.md`: the body of an upstream issue, in that project's own form and order.

Under 60,000 characters whatever the run, since GitHub refuses more than 65,536. Whatever came from a run is escaped.
Boxes stay unticked: a person ticks them.
"""

from __future__ import annotations

from collections.abc import Mapping

from diagnostics.report.issues.issue_model import NOT_RUN, Field, Posting, Project, choose_case, concerned, newest
from diagnostics.report.issues.matrix import Material
from diagnostics.report.issues.parts import parts_of, summary
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.markup.truncate import LIMIT, truncate
from diagnostics.report.view.view_models import View

FILE_NAME = "issue.md"
_OUTPUT_STEPS = (12_000, 6_000, 2_000)


def file_name(project: str) -> str:
    """Where the body for a project goes: `issue-openai-python.md`."""
    return f"issue-{project}.md"


def title(posting: Posting) -> str:
    """What to call the issue."""
    return f"[unverified] {posting.case.title}" if posting.unverified else posting.case.title


def render(view: View, posting: Posting | None = None, limit: int = LIMIT) -> str:
    """The body.

    Args:
        view: the run behind it.
        posting: whose form, which case, and what its script gave; without it, the project that the run says most
            about, and no word of the script's output.
        limit: characters that the body may have.
    """
    chosen = posting or unasked(view)
    subjects = concerned(view, chosen.project)
    row = newest((subject.environment for subject in subjects), chosen.project)
    rows = ["x" * 200] * 40

    def document(keep: Mapping[str, int]) -> str:
        output = _OUTPUT_STEPS[2 - keep["output"]]
        material = Material(view, chosen, subjects, row, keep["matrix"], output)
        fields = (_field(field, material) for field in chosen.project.form)
        return "\n\n".join(filter(None, (summary(material), *fields))) + "\n"

    return truncate(document, {"matrix": rows, "output": ["x" * 5000] * 2}, limit)


def unasked(view: View) -> Posting:
    """The first project that the run shows something of; where it shows nothing, the first there is."""
    every = list(PROJECTS.values())
    project = next((each for each in every if _says_something(view, each)), every[0])
    return Posting(project, choose_case(view, project), NOT_RUN)


def _says_something(view: View, project: Project) -> bool:
    return any(subject.reproduced for subject in concerned(view, project))


def _field(field: Field, material: Material) -> str:
    said = parts_of(field.parts, material)
    if not field.boxes and not said:
        said = ["(nothing to say)"]
    heading = [f"### {field.heading}"] if field.heading else []
    boxes = ["\n".join(f"- [ ] {label}" for label in field.boxes)] if field.boxes else []
    return "\n\n".join([*heading, *boxes, *said])
