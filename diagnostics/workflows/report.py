"""A run folder, or the findings of a program, as what a report shows."""

from __future__ import annotations

import os
from pathlib import Path

from diagnostics.experiment.fixes import FIXES
from diagnostics.redaction import Secrets, redact
from diagnostics.report.view.build import build_view
from diagnostics.report.view.view_models import View
from diagnostics.runs.reader import read_findings, read_run
from diagnostics.sanitizer.output.formats import sarif


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
