"""The kinds of things that are removed, the placeholder of each, and how many a text lost of each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

KINDS: Final[dict[str, str]] = {
    "key": "<key>",
    "credentials": "<credentials>",
    "cookie": "<cookie>",
    "content": "<content>",
    "user": "<user>",
    "host": "<host>",
    "home": "~",
    "address": "<address>",
    "e-mail": "<e-mail>",
    "cache": "<cache>",
    "tmp": "<tmp>",
    "here": "<here>",
}
"""Kind to placeholder, in the order in which reports name them."""

PRIVACY: Final = "https://event-loop-diagnostics.github.io/event-loop-diagnostics/explanation/privacy/"
"""Says what is redacted and why."""

PLACEHOLDER: Final = "|".join(re.escape(mark) for mark in KINDS.values() if mark != KINDS["home"])
"""Matches every placeholder but `~`, which may stand in any text."""


def taken(before: str, after: str) -> dict[str, int]:
    """How many of each kind a text lost: the placeholders that it has now and did not have before."""
    if before == after:
        return {}
    counts = {kind: after.count(mark) - before.count(mark) for kind, mark in KINDS.items()}
    return {kind: count for kind, count in counts.items() if count > 0}


def together(*counts: Mapping[str, int]) -> dict[str, int]:
    """Several counts added up, in the order of `KINDS`; kinds that no table knows are left out."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return {kind: total[kind] for kind in KINDS if total[kind] > 0}


def sentence(counts: Mapping[str, int] | None) -> str:
    """How much was redacted, for people; `None` is not counted. The kinds are in the JSON."""
    if counts is None:
        return "How much was redacted is not known."
    total = sum(counts.values())
    return f"Redacted: {total:,} {'piece' if total == 1 else 'pieces'} of text." if total else "Redacted: nothing."
