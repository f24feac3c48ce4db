"""Writes the script of an issue, which needs the project's package and the standard library alone.

What shows the error is `script.py`, short enough to be read; what it calls, if anything, is `server.py` beside it.
"""

from __future__ import annotations

import json
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from diagnostics.report.issues.issue_model import Case, Project

FOLDER = "scripts"
SCRIPT, SERVER = "script.py", "server.py"


def script_files(project: Project, case: Case) -> dict[str, str]:
    """The files that show a case with a project's package, `script.py` first."""
    dependencies = ", ".join(f'"{name}"' for name in project.words.get("dependencies", project.package).split())
    words = {"imports": "", "shown": json.dumps(project.shown), **project.words}
    words |= {"title": case.title, "dependencies": dependencies}
    names = {SCRIPT: case.template, SERVER: "server"}
    found = {name: _templates().get_template(f"{template}.py.j2").render(words) for name, template in names.items()}
    return found if "from server import" in found[SCRIPT] else {SCRIPT: found[SCRIPT]}


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
