"""Small phrases that the answers of all phases share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from diagnostics.model.words import SYMPTOM_NAMES
from diagnostics.report.view.aggregate import SYMPTOM_ORDER
from diagnostics.report.view.view_models import FixOutcome

# Where an environment lies says nothing; what lies in it does.
_LIBRARIES = re.compile(r"[^\s\"'=<>]*/(?=(?:site-packages|lib/python3\.\d+)/)")


def without_folders(evidence: str) -> str:
    """Evidence in which a library's file begins at `site-packages` or `lib/python3.x`."""
    return _LIBRARIES.sub("", evidence)


def times(symptoms: Counter[str]) -> str:
    """Symptoms and how often each was seen, the worst first: `logged 2, none 1`."""
    return (
        ", ".join(f"{SYMPTOM_NAMES[word]} {symptoms[word]}" for word in reversed(SYMPTOM_ORDER) if symptoms[word])
        or "nothing ran"
    )


def times_seen(results: Iterable[FixOutcome]) -> str:
    """What several results show and how often, the worst first: `raised (recovers) 2, none 1`."""
    ran = [(-SYMPTOM_ORDER.index(result.symptom), result.seen) for result in results if result.symptom]
    return ", ".join(f"{seen} {number}" for (_, seen), number in sorted(Counter(ran).items()))


def quoted(evidence: str, limit: int = 160) -> str:
    """The line of some output that says most, as code: the last that names an exception, else the first."""
    lines = [line.strip() for line in evidence.splitlines() if line.strip()]
    said = [line for line in lines if line.split(":")[0].rpartition(".")[2].endswith(("Error", "Exception", "Warning"))]
    line = (said or lines or [""])[-1 if said else 0].replace("`", "'")
    return f"`{line if len(line) <= limit else line[: limit - 1] + '…'}`"


def listed(names: Sequence[str], most: int = 6) -> str:
    """`a, b and c`; the rest is counted."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" and {shown[-1]}" if shown else "none"


def count(number: int, noun: str) -> str:
    """`1 loop`, `2 loops`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
