"""Finds known values in spellings of which no word tells that it is one: cut by quotes, in base85 or base58, backwards.

Such a spelling is only searched for values that are known: read as base85, half of all words would be something.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from diagnostics.model.placeholders import KINDS

Known = tuple[tuple[str, str], ...]

_SHORTEST: Final = 8
"""Characters of a value: a shorter one may come about by chance where quotes are left out."""

_QUOTES: Final = str.maketrans("", "", "\"'`+ \\,\r\n\t")
_SEAM: Final = r"[\"'`][\s+,\\]{0,40}[bfruBFRU]{0,2}\\*[\"'`]"
_SEAMS: Final = re.compile(_SEAM)
_CUT: Final = rf"(?:\\*{_SEAM}|\\*[\"'`])?"
_WORD: Final = r"(?<!\S)\S*{}\S*"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def without_disguised(text: str, known: Known) -> str:
    """The text without known values that quotes cut or another spelling hides.

    Args:
        text: the text.
        known: values, each with its kind. A short one is not searched for.
    """
    for needle, pattern, kind in _spellings(known):
        if needle in text:
            text = pattern.sub(KINDS[kind], text)
    if not any(quote in text for quote in "\"'`"):
        return text
    plain = _SEAMS.sub("", text).translate(_QUOTES).lower()
    for letters, pattern, kind in _values(known):
        if letters in plain:
            text = pattern.sub(KINDS[kind], text)
    return text


@lru_cache(maxsize=16)
def _values(known: Known) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    return tuple(
        (value.lower().translate(_QUOTES), re.compile(_CUT.join(map(re.escape, value)), re.IGNORECASE), kind)
        for value, kind in known
        if len(value) >= _SHORTEST
    )


@lru_cache(maxsize=16)
def _spellings(known: Known) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    wholly = {
        needle: (re.escape(needle), kind)
        for value, kind in known
        if len(value) >= _SHORTEST
        for needle in _otherwise(value)
        if needle != value
    }
    partly = {
        needle: (_WORD.format(re.escape(needle)), kind)
        for value, kind in known
        if len(value) >= _SHORTEST
        for needle in _in_base85(value.encode("utf-8", "replace"))
    }
    return tuple((needle, re.compile(pattern), kind) for needle, (pattern, kind) in {**partly, **wholly}.items())


def _otherwise(value: str) -> Iterator[str]:
    """The whole value in spellings that no text has by chance."""
    data = value.encode("utf-8", "replace")
    yield value[::-1]
    yield codecs.encode(value, "rot13")
    for between in ("", " "):
        yield between.join(f"{byte:08b}" for byte in data)
    number, letters = int.from_bytes(data, "big"), ""
    while number:
        number, letter = divmod(number, len(_BASE58))
        letters = _BASE58[letter] + letters
    yield letters


def _in_base85(value: bytes) -> Iterator[str]:
    """The blocks that lie wholly within a value, for each place in a block where it may begin."""
    for start in range(4):
        part = value[start:]
        part = part[: len(part) // 4 * 4]
        if len(part) >= _SHORTEST:
            yield base64.b85encode(part).decode()
            yield base64.a85encode(part).decode()
