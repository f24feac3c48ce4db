"""Runs the script of an issue before the issue is written, in an environment of the run that holds the newest release.

It joins the lab, which runs, and the report, which writes. Whatever stands in the way becomes the reason that the issue
then gives: a body can always be written.
"""

from __future__ import annotations

from pathlib import Path

from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments import EnvironmentProblem, default_cache, prepare
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.reproduction import own_combinations
from diagnostics.lab.script import ScriptError, ScriptResult, run_script
from diagnostics.redaction import Secrets, redact
from diagnostics.report.issues.issue_model import Case, Posting, Project, ScriptRun, choose_case, newest
from diagnostics.report.issues.script import script_files
from diagnostics.report.view.view_models import View

TIMEOUT = 120.0


def posting(view: View, project: Project, secrets: Secrets, python: Path | None = None) -> Posting:
    """An issue for a project, with what its script gives now.

    Args:
        python: an interpreter to run it with; without it, that of an environment of the run, from the cache.

    Raises:
        ScriptError: the interpreter that was named is none.
    """
    case = choose_case(view, project)
    # Not resolved: the link is what makes it the interpreter of a virtual environment.
    found = python.expanduser().absolute() if python else _interpreter(view, project)
    if isinstance(found, str):
        return Posting(project, case, ScriptRun(reason=redact(found, secrets)))
    try:
        return Posting(project, case, _played(project, case, found, secrets))
    except (ScriptError, OSError) as error:
        if python is not None:
            raise ScriptError(f"--python: {error}") from None
        return Posting(project, case, ScriptRun(reason=redact(f"it could not be run: {error}", secrets)))


def _interpreter(view: View, project: Project) -> Path | str:
    """The interpreter to run the script with, or why there is none."""
    row = newest(view.environments, project)
    if row is None:
        needs = " and ".join(project.needs)
        return f"no environment of this run holds {needs}; name an interpreter that does with --python"
    try:
        request = view.meta.request
        own = own_combinations(request) if request and (request.pin or request.vary) else []
        combination = next((each for each in (*own, *load_matrix()) if each.slug == row.slug), None)
        if combination is None:
            return f"{row.slug} is not in the matrix; name an interpreter with --python"
        return prepare(combination, cache=default_cache(), offline=True).python
    except (MatrixError, EnvironmentProblem) as error:
        return f"its environment is not here: {error}"


def _played(project: Project, case: Case, python: Path, secrets: Secrets) -> ScriptRun:
    ran = run_script(script_files(project, case), python, timeout=TIMEOUT)
    return ScriptRun(
        where=_where(project, ran),
        system=redact(ran.system, secrets),
        python=redact(ran.python, secrets),
        packages=ran.packages,
        exit_status=ran.exit_status,
        output=redact(ran.output, secrets),
        seconds=ran.seconds,
        reason=None if ran.exit_status is not None else f"it was ended after {TIMEOUT:.0f} s",
    )


def _where(project: Project, ran: ScriptResult) -> str:
    named = [f"{name} {ran.packages[name]}" for name in project.shown if name in ran.packages]
    return ", ".join([f"Python {ran.version}", *named[:2]])
