"""Writes the script of an issue: one file, which needs the project's package and the standard library alone."""

from __future__ import annotations

import json
import textwrap
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from diagnostics.report.issues.issue_model import Case, Project

FOLDER = "scripts"


def script_text(project: Project, case: Case) -> str:
    """The text of the script that shows a case with a project's package."""
    about = "\n".join(textwrap.wrap(case.what, 100))
    dependencies = ", ".join(f'"{name}"' for name in project.words.get("dependencies", project.package).split())
    words = {"imports": "", "shown": json.dumps(project.shown), **project.words}
    words |= {"about": about, "dependencies": dependencies}
    return _templates().get_template(f"{case.template}.py.j2").render(words)


@cache
def _templates() -> Environment:
    # Not escaped: it is Python, and every word of it is ours.
    return Environment(
        loader=PackageLoader("diagnostics.report.issues", FOLDER),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
