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

SAID: Final[dict[str, tuple[str, str]]] = {
    "key": ("key or token", "keys and tokens"),
    "credentials": ("pair of credentials", "pairs of credentials"),
    "cookie": ("cookie", "cookies"),
    "content": ("prompt or answer", "prompts and answers"),
    "user": ("user name", "user names"),
    "host": ("host name", "host names"),
    "home": ("home folder", "home folders"),
    "address": ("address", "addresses"),
    "e-mail": ("e-mail address", "e-mail addresses"),
    "cache": ("path of the cache", "paths of the cache"),
    "tmp": ("temporary folder", "temporary folders"),
    "here": ("working folder", "working folders"),
}
"""Kind to what one and several of them are called."""

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
    """What was taken out, for people; `None` is not counted."""
    if counts is None:
        return "What was taken out of the texts of this run was not counted."
    named = [f"{counts[kind]:,} {SAID[kind][counts[kind] != 1]}" for kind in KINDS if counts.get(kind)]
    if not named:
        return "Nothing had to be taken out of the texts of this run."
    return f"Taken out of the texts of this run before they were written: {', '.join(named)}."
