"""A run folder, or the findings of a program, as what a report shows, and the files of a report."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from diagnostics.experiment.fixes import FIXES
from diagnostics.model.errors import CommandError, InvalidUsage, known
from diagnostics.redaction import Secrets, redact
from diagnostics.report.formats.changes import CHANGES_FORMATS
from diagnostics.report.formats.registry import FORMATS, Format, write_report, write_reports
from diagnostics.report.issues import issue
from diagnostics.report.issues.issue_model import Posting
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.view.build import build_view
from diagnostics.report.view.compare import compare
from diagnostics.report.view.view_models import View
from diagnostics.runs.reader import read_findings, read_run
from diagnostics.sanitizer.output.formats import sarif
from diagnostics.workflows.evidence import posting

STDOUT: Final = Path("-")
BY_DEFAULT: Final = tuple(name for name, row in FORMATS.items() if not row.on_request)


def view_of(run: Path, secrets: Secrets | None = None) -> View:
    """The view of a run folder, with what each fix trades.

    Args:
        secrets: what to hide in its texts; `None` for a run of this machine, which was redacted when it was written.

    Raises:
        RunError: the folder holds no run.
    """
    return build_view(read_run(run), secrets, {name: fix.trade_off for name, fix in FIXES.items()})


def sarif_of(file: Path, secrets: Secrets) -> str:
    """The findings that `run --json` wrote, as SARIF.

    Raises:
        RunError: the file holds no findings.
    """
    # Code scanning wants paths as the repository has them, and a program is run from there.
    here = f"{Path.cwd()}{os.sep}"
    return sarif.render(read_findings(file, lambda text: redact(text.replace(here, ""), secrets)))


def choose_formats(formats: Sequence[str], projects: Sequence[str]) -> list[str]:
    """The formats to write of one run.

    Raises:
        InvalidUsage: there is no such format or project, or nobody said whom the issue is for.
    """
    chosen = list(formats or (["issue"] if projects else BY_DEFAULT))
    known("format", chosen, FORMATS)
    known("project", projects, PROJECTS)
    if "issue" in chosen and not projects:
        raise InvalidUsage(f"--format issue needs a project; add --for with one of {', '.join(PROJECTS)}")
    return chosen


def prepare_issue(
    view: View, project: str, secrets: Secrets, *, python: Path | None, unverified: bool
) -> tuple[Posting, Format]:
    """The issue for a project, and the format that writes it.

    Args:
        python: the interpreter that runs its script; `None` for one of the run's.
        unverified: whether it is wanted even if its script shows no error.

    Raises:
        CommandError: its script did not reproduce the error, and the issue is not wanted all the same.
    """
    made = posting(view, PROJECTS[project], secrets, python)
    if made.unverified and not unverified:
        raise CommandError(f"the issue for {project} is not verified: {made.unverified}; add --unverified to write it")
    render = functools.partial(issue.render, posting=made)
    return made, replace(FORMATS["issue"], file_name=issue.file_name(project), render=render)


def write_run(view: View, folder: Path, formats: Mapping[str, Format], out: Path | None) -> Iterator[Path | str]:
    """Writes the formats of one run, and shows those that have a screen.

    Args:
        folder: where to, without `out`.
        out: another folder, or a file.

    Yields:
        The files that are written; the text itself where `out` is standard output.

    Raises:
        InvalidUsage: `out` is a file, and the formats need several.
    """
    if out is None or out.is_dir() or not (out.suffix or out == STDOUT):
        yield from write_reports(view, out or folder, formats, formats)
        for row in formats.values():
            if row.show is not None:
                row.show(view)
        return
    if len(formats) != 1 and out != STDOUT:
        raise InvalidUsage(f"{out} is one file, but there are {len(formats)} formats; name a folder, or one --format")
    for name, row in formats.items():
        content = row.render(view)
        if not isinstance(content, str):
            raise InvalidUsage(f"the format {name} is several files; name a folder with --out")
        yield from put(content, out)


def write_changes(before: View, after: View, formats: Sequence[str], out: Path | None) -> Iterator[Path | str]:
    """Writes or shows what changed between two runs; the result is that of `write_run`.

    Raises:
        InvalidUsage: that is not one format, or none for two runs.
    """
    names = formats or ["text"]
    if len(names) != 1 or names[0] not in CHANGES_FORMATS:
        raise InvalidUsage(f"two runs are compared in one --format; choose from {', '.join(CHANGES_FORMATS)}")
    chosen, changes = CHANGES_FORMATS[names[0]], compare(before, after)
    if chosen.show is not None and out in (None, STDOUT):
        chosen.show(changes)
    else:
        yield from put(chosen.render(changes), out or STDOUT)


def put(content: str, out: Path) -> Iterator[Path | str]:
    """Writes a text to a file; the result is that of `write_run`."""
    if out == STDOUT:
        yield content
    else:
        yield from write_report(out, content)
