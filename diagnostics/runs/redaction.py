"""Redacts a run that was read: a folder of an earlier version or of another machine may hold what must not leave."""

from __future__ import annotations

from collections import Counter
from typing import Final

from diagnostics.model.placeholders import together
from diagnostics.redaction import Secrets, bounded, redact, taken
from diagnostics.redaction.records import redacted_by
from diagnostics.runs.records import Run

LONGEST_SHOWN: Final = 5000
"""Characters of any one text in a run that are kept: what a report shows of it is shorter still."""


def redacted_run(run: Run, secrets: Secrets | None) -> tuple[Run, dict[str, int] | None]:
    """The run, redacted, and what was removed by kind: when it was stored, and just now.

    The counts are `None` where nothing was counted as the run was stored.

    Args:
        secrets: what to hide; `None` for a run that this process wrote: it was redacted then.
    """
    found: Counter[str] = Counter()

    def clean(text: str) -> str:
        raw = bounded(text)
        shown = raw if secrets is None else redact(raw, secrets)
        if shown != raw:
            found.update(taken(raw, shown))
        return bounded(shown, LONGEST_SHOWN)

    clean_run = run if secrets is None else redacted_by(run, clean)
    if run.meta.redacted is None:
        return clean_run, None
    earlier = (each.redacted for records in (run.trials, run.environments) for each in records)
    return clean_run, together(found, run.meta.redacted, *earlier)
