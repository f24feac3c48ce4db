"""What the model `jet-classifier` says: quark or gluon, by the number of constituents that its prompt speaks of.

Gluons radiate more than quarks do, so the multiplicity of a jet alone tells them apart with a ROC AUC of about 0.85. A
pure function of the prompt: a request that is repeated, delayed or answered on another connection gets the same answer.
"""

from __future__ import annotations

import math
import re
from typing import Final

EVEN: Final = 40.0
"""Constituents at which either is as likely; for jets of about 500 GeV and R = 0.4."""

WIDTH: Final = 8.0
"""Constituents over which the odds change by a factor of e."""

_STATED: Final = re.compile(r"^\W*(?:number of )?constituents\W+(\d+)\b", re.IGNORECASE | re.MULTILINE)
_DECIMAL: Final = re.compile(r"(?<![\w.])-?\d+\.\d+(?![\w.])")


def reply(prompt: str, seed: int) -> str:  # noqa: ARG001 - one signature for all models
    """One line: the word, and the probability that the jet is a quark jet."""
    probability = 1 / (1 + math.exp((multiplicity(prompt) - EVEN) / WIDTH))
    return f"{'quark' if probability >= 0.5 else 'gluon'} {probability:.6f}"


def multiplicity(prompt: str) -> int:
    """How many constituents a prompt speaks of: what it states, or its lines with three decimal numbers or more."""
    stated = _STATED.search(prompt)
    if stated:
        return min(int(stated.group(1)), 10**4)
    return sum(len(_DECIMAL.findall(line)) >= 3 for line in prompt.splitlines())
