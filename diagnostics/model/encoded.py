"""Finds secrets in encoded text: percent signs, JSON and Python escapes, HTML entities, base64 and hexadecimal.

A word is replaced only if its decoded form contains a secret: by the redacted decoded form where that is readable, else
by the placeholders of what it contained.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, unquote_plus

from diagnostics.model.placeholders import KINDS, taken

DEPTH: Final = 4
"""How often something may be encoded and is still found."""

Clean = Callable[[str], str]

_WORD = re.compile(r"[^\s\"'<>]+")
# What is several words long is known by its first one, which an escaped line break hangs on to.
_ESCAPED_LINE = re.compile(r"^.*\\[nrtux\"'].*$", re.MULTILINE)
_LINE = re.compile(r"[^\n]+")
_ESCAPE = re.compile(r"\\{1,8}(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|U([0-9A-Fa-f]{8})|([0-7]{3})|([nrtbf/\"']))|\\\\")
# Colours and titles of a terminal, what is struck over, line breaks of other systems, and characters without width.
_INVISIBLE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b]*(?:\x07|\x1b\\\\)|[^\x08\n]\x08|"
    "[\x00\x0b-\x0d\x1b\x85\xad\u034f\u061c\u180e"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e01ef]"
)
_NUMBER = r"(?:0[xX][0-9A-Fa-f]{1,2}|[0-9]{1,3})"
_NUMBERS = re.compile(
    rf"(?<![\w.])(?:(?:chr\()?{_NUMBER}\)?(?:,\s{{0,4}}|[ \t]?\+[ \t]?|[ ])){{7,}}(?:chr\()?{_NUMBER}\)?(?![\w.])"
)
_SHORTEST = 8
_SHORT = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "/": "/", '"': '"', "'": "'"}
_PRINTABLE = re.compile(rb"[\x09\x0a\x0d\x20-\x7e]{4,}")
# Lines that go on are long; the last may be short.
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}\r?\n[ \t]*(?=[A-Za-z0-9+/_-]))*[A-Za-z0-9+/_-]{4,}={0,2}"
)
_LINE_BREAK = re.compile(r"(\r?\n[ \t]*)")
# Nothing that is encoded looks so: a word as people write it.
_PLAIN = re.compile(r"[a-z/_-]+[0-9]*|(?:[A-Z][a-z]+)+|[A-Z_-]+|[0-9]+")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?((?:[0-9A-Fa-f]{2}){4,})(?![0-9A-Za-z])")
_SPACED_HEX = re.compile(
    r"(?<![0-9A-Za-z:-])(?:[0-9A-Fa-f]{2}(?P<between>[ :-])(?:[0-9A-Fa-f]{2}(?P=between)){6,}[0-9A-Fa-f]{2})"
    r"(?![0-9A-Za-z])"
)
_BASE32 = re.compile(r"(?<![0-9A-Za-z])(?:[A-Z2-7]{16,}|[a-z2-7]{16,})(?![0-9A-Za-z])={0,6}")
_QUOTED = re.compile(r"(?:=[0-9A-F]{2})+")
_SCRIPT = re.compile(r"%u([0-9A-Fa-f]{4})|\\u\{([0-9A-Fa-f]{1,6})\}")


@dataclass(frozen=True)
class Alphabet:
    """A way of writing text in words.

    Attributes:
        may_be: whether a word could be written so; cheap.
        read: its plain form.
    """

    may_be: Callable[[str], bool]
    read: Callable[[str], str]


def _unescape(word: str) -> str:
    def letter(match: re.Match[str]) -> str:
        four, two, eight, octal, short = match.groups()
        digits = four or two or eight
        if digits or octal:
            number = int(digits, 16) if digits else int(octal, 8)
            return chr(number) if number < 0x110000 else match.group()
        return _SHORT[short] if short else "\\"

    # A pair of surrogates is one character.
    return _ESCAPE.sub(letter, word).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _of_script(word: str) -> str:
    return _SCRIPT.sub(lambda match: chr(min(int(match[1] or match[2], 16), 0xFFFF)), word)


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda match: bytes.fromhex(match.group().replace("=", "")).decode(errors="replace"), word)


WORDS: Final[dict[str, Alphabet]] = {
    "percent": Alphabet(lambda word: "%" in word, lambda word: unquote(word, errors="replace")),
    "escapes": Alphabet(lambda word: "\\" in word, _unescape),
    "invisible": Alphabet(lambda word: _INVISIBLE.search(word) is not None, lambda word: _INVISIBLE.sub("", word)),
    "full width": Alphabet(lambda word: not word.isascii(), lambda word: unicodedata.normalize("NFKC", word)),
    "entities": Alphabet(lambda word: "&" in word and ";" in word, html.unescape),
    "script": Alphabet(lambda word: "%u" in word or "\\u{" in word, _of_script),
    "quoted": Alphabet(lambda word: _QUOTED.search(word) is not None, _unquoted),
    "form": Alphabet(lambda word: "+" in word, lambda word: unquote_plus(word, errors="replace")),
}
"""Alphabets that keep most letters as they are."""


def decode(text: str, clean: Clean) -> str:
    """The text without what is hidden in another alphabet.

    Args:
        clean: what takes secrets out of a plain text.
    """
    if any(mark in text for mark in "%\\&=+"):
        text = _WORD.sub(lambda match: _word(match.group(), clean), text)
    if "\\" in text:
        text = _ESCAPED_LINE.sub(lambda match: _plain_if_it_hides(match.group(), WORDS["escapes"], clean), text)
    for name in ("invisible", "full width", "entities"):
        if WORDS[name].may_be(text):
            text = _LINE.sub(lambda match, name=name: _plain_if_it_hides(match.group(), WORDS[name], clean), text)  # type: ignore[misc]
    text = _NUMBERS.sub(lambda match: _bytes(match.group(), _of_numbers(match.group()), clean), text)
    text = _SPACED_HEX.sub(
        lambda match: _bytes(match.group(), _readable(bytes.fromhex(re.sub("[:-]", " ", match.group()))), clean), text
    )
    text = _BASE32.sub(lambda match: _bytes(match.group(), _from_base32(match.group()), clean), text)
    text = _BASE64.sub(lambda match: _lines(match.group(), clean), text)
    return _HEX.sub(lambda match: _bytes(match.group(), _readable(bytes.fromhex(match[1])), clean), text)


def _word(word: str, clean: Clean) -> str:
    for alphabet in WORDS.values():
        if alphabet.may_be(word) and (shown := _plain_if_it_hides(word, alphabet, clean)) != word:
            return shown
    return word


def _plain_if_it_hides(text: str, alphabet: Alphabet, clean: Clean) -> str:
    plain = alphabet.read(text)
    if plain == text:
        return text
    shown = clean(plain)
    return shown if taken(plain, shown) else text


def _lines(found: str, clean: Clean) -> str:
    """Base64 in one line or several: together for what a break cut in two, each alone for its end."""
    if len(found) < _SHORTEST:  # most words
        return found
    first, *more = _LINE_BREAK.split(found)
    lines = [first]
    while more and not _PLAIN.fullmatch(more[1]):
        lines += more[:2]
        del more[:2]
    whole = "".join(lines)
    if len(whole) < _SHORTEST:
        return found
    readable = [*_from_base64("".join(lines[::2]))]
    if len(lines) > 1:
        readable += [plain for line in lines[::2] for plain in _from_base64(line)]
    return _bytes(whole, readable, clean) + "".join(more)


def _bytes(word: str, readable: Sequence[str], clean: Clean) -> str:
    for plain in readable:
        if found := taken(plain, clean(plain)):
            return "".join(KINDS[kind] for kind in found)
    return word


def _readable(data: bytes) -> tuple[str, ...]:
    found = tuple(run.group().decode("ascii") for run in _PRINTABLE.finditer(data))
    return found + _readable(data.replace(b"\0", b"")) if b"\0" in data else found  # UTF-16


def _of_numbers(text: str) -> tuple[str, ...]:
    numbers = [int(each, 0) if each[:2] in ("0x", "0X") else int(each) for each in re.findall(_NUMBER, text)]
    return _readable(bytes(number for number in numbers if number < 256))


def _from_base32(word: str) -> tuple[str, ...]:
    letters = word.rstrip("=").upper()
    letters = letters[: len(letters) - (len(letters) % 8 in (1, 3, 6))]
    return () if _PLAIN.fullmatch(word) else _readable(base64.b32decode(letters + "=" * (-len(letters) % 8)))


@lru_cache(maxsize=4096)  # a traceback is made of the same few paths
def _from_base64(word: str) -> tuple[str, ...]:
    """What can be read in a word, from each place where it could begin: its front may have been cut off."""
    letters = word.rstrip("=")
    # Nor like a path: its signs are of two alphabets.
    if _PLAIN.fullmatch(letters) or (set(letters) & set("+/") and set(letters) & set("-_")):
        return ()
    letters = letters.replace("-", "+").replace("_", "/")
    found: list[str] = []
    for start in range(4):
        part = letters[start:]
        part = part[:-1] if len(part) % 4 == 1 else part
        found += _readable(binascii.a2b_base64(part + "=" * (-len(part) % 4)))
    return tuple(found)
