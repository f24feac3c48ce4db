"""Finds what a line break cuts in two: wrapped keys, wrapped names, literals that continue on the next line.

The lines are joined, and a match that crosses a line break is removed from the original text. A key may end at the end
of its line: the next line belongs to it only if it looks like more of a key.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from diagnostics.model.placeholders import KINDS, PLACEHOLDER
from diagnostics.model.secret_forms import KEY_FORMS, WORD_BEGINS
from diagnostics.redaction.matching import known_forms
from diagnostics.redaction.patterns import E_MAIL, Form
from diagnostics.redaction.secrets import Secrets

# The end of a line, also as JSON and as Python write it, with the quotes of a literal that goes on.
# The lookahead repeats how it starts, so that most positions are rejected after one character.
_JOINT: Final = re.compile(
    r"(?=[\\\"' \t│|\r\n])"
    r"\\{0,7}[\"']?[ \t│|]*(?:\\?\r?\n|(?:\\{1,7}r)?\\{1,7}n)[ \t│|>]*(?:\\{0,7}[\"'])?"
)
_NEXT: Final = re.compile(r"[^\s\"'<>,;()\[\]{}]+")
_NAMES_A_VALUE: Final = re.compile(r"\\{0,7}[\"']?\s*[:=]")
_LIKE_A_KEY: Final = re.compile(r"(?!\d+\.\d|--)(?=.*(?:[0-9_=-]|[a-z][A-Z]))[A-Za-z0-9_.=-]{2,}")
_CREDENTIALS: Final = r"(?i:(?<=://)(?!<credentials>@)[^\s/?#\"'<>@]*:[^\s/?#\"'<>@]*(?=@))"
_V4: Final = Form("address", r"(?:10|127|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)(?:\.\d{1,3}){2,3}", (".",))
_E_MAIL: Final = re.compile(E_MAIL.format(not_at="").removesuffix(r"(?![\w-])"))
_SHORTEST_NAME: Final = 4
_WHOLE_WORDS: Final = ("user", "host", "address")
_LOOK_AGAIN: Final = 2048


@dataclass(frozen=True)
class _Joined:
    """A text with its lines joined, and where the line breaks (the joints) were."""

    text: str
    positions: tuple[int, ...]
    """The offset of each joint in the joined text, ascending."""
    shifts: tuple[int, ...]
    """How many characters the joints up to each offset removed."""

    def start(self, place: int) -> int:
        """The offset in the original text of a character of the joined one."""
        passed = bisect_right(self.positions, place)
        return place + (self.shifts[passed - 1] if passed else 0)

    def next(self, joint: int) -> int:
        """The joint after one, or the end."""
        passed = bisect_right(self.positions, joint)
        return self.positions[passed] if passed < len(self.positions) else len(self.text)

    def joints(self, start: int, end: int) -> tuple[int, ...]:
        """The joints strictly inside a range."""
        return self.positions[bisect_right(self.positions, start) : bisect_right(self.positions, end - 1)]


@dataclass(frozen=True)
class Wrapped:
    """What is searched across line breaks.

    Attributes:
        pattern: one named group an alternative: the kind, and a number.
        forms: the alternatives, each for itself.
    """

    pattern: re.Pattern[str]
    forms: tuple[Form, ...]


def mend(text: str, wrapped: Wrapped) -> str:
    """The text without the secrets that its line breaks cut in two."""
    if "\n" not in text and "\\n" not in text:
        return text
    joined = _join(text)
    lower = joined.text.lower()
    if not any(form.is_in(joined.text, lower) for form in wrapped.forms):
        return text
    parts, last, place = [], 0, 0
    while (match := wrapped.pattern.search(joined.text, place)) is not None:
        kind, start, end = match.lastgroup or "", *_extent(joined, match)
        # What was cut off a match is looked at again; not for ever, where every line could go on with a key.
        place = max(start + 1, end if match.end() - end < _LOOK_AGAIN else match.end())
        before, after = joined.start(start), joined.start(end - 1) + 1
        if kind == "done" or not joined.joints(start, end) or not _is_whole(kind, text, before, after):
            continue
        if before >= last:
            parts += [text[last:before], KINDS[kind.rpartition("_")[0].replace("_", "-") or kind]]
            last = after
    return "".join([*parts, text[last:]])


def _extent(joined: _Joined, match: re.Match[str]) -> tuple[int, int]:
    """Where a match begins and ends: at most where the next line no longer belongs to it."""
    start, end = match.span()
    if match.lastgroup == "key":
        return start, _end_of_key(joined, start, end)
    if str(match.lastgroup).startswith("e_mail"):
        return start, _end_of_e_mail(joined, start, end)
    return start, end


def _is_whole(kind: str, text: str, before: int, after: int) -> bool:
    """Whether a match that has to be a whole word is one in the original text."""
    names = kind.startswith(_WHOLE_WORDS)
    begins = not text[max(0, before - 1) : before].isalnum()
    return (begins or not (names or kind == "key")) and not (names and text[after : after + 1].isalnum())


@lru_cache(maxsize=2)  # one text is looked through for several things
def _join(text: str) -> _Joined:
    parts: list[str] = []
    positions: list[int] = []
    shifts: list[int] = []
    length = last = shift = 0
    for joint in _JOINT.finditer(text):
        parts.append(text[last : joint.start()])
        length += joint.start() - last
        last = joint.end()
        shift += joint.end() - joint.start()
        positions.append(length)
        shifts.append(shift)
    return _Joined("".join([*parts, text[last:]]), tuple(positions), tuple(shifts))


def _end_of_key(joined: _Joined, start: int, end: int) -> int:
    """Where a key of the joined text ends: before the first line that does not look like part of a key."""
    for joint in joined.joints(start, end):
        # The whole next word, or nothing of it: it may be the name of a header, an address, the start of a sentence.
        following = _NEXT.match(joined.text, joint, joined.next(joint))
        word = following.group().rstrip(".") if following else ""
        if not _LIKE_A_KEY.fullmatch(word) or joint + len(word) > end:
            return joint
        if _NAMES_A_VALUE.match(joined.text, joint + len(word)):
            return joint
    return end


def _end_of_e_mail(joined: _Joined, start: int, end: int) -> int:
    """The first end of a line that could be the end of the address."""
    return next((joint for joint in joined.joints(start, end) if _E_MAIL.fullmatch(joined.text[start:joint])), end)


@lru_cache(maxsize=1)
def wrapped_keys() -> Wrapped:
    """Keys of a known form."""
    # Where a word begins, the text itself says: in the joined one it hangs on to the line before.
    forms = tuple(Form("key", pattern.removeprefix(WORD_BEGINS), needs) for pattern, needs in KEY_FORMS)
    anywhere = "|".join(form.pattern for form in forms)
    return Wrapped(re.compile(f"(?P<done>{PLACEHOLDER})|(?P<key>{anywhere})"), forms)


@lru_cache(maxsize=16)
def wrapped_names(secrets: Secrets) -> Wrapped:
    """Known names and values."""
    known = known_forms(secrets, shortest=_SHORTEST_NAME)
    # A blank at the end of a line is taken for a part of the joint; where a word ends, the text itself says.
    return _wrapped(
        *(
            Form(form.kind, f"(?i:{re.escape(letters)})".replace("\\ ", "[ ]?"), tuple(letters.split()[:1]))
            for form in known
            for letters in form.needs
        )
    )


@lru_cache(maxsize=1)
def wrapped_addresses() -> Wrapped:
    """Credentials in URLs, e-mail addresses and private addresses."""
    return _wrapped(Form("credentials", _CREDENTIALS, ("://",)), Form("e_mail", _E_MAIL.pattern, ("@",)), _V4)


def _wrapped(*forms: Form) -> Wrapped:
    parts = [f"(?P<{form.kind}_{number}>{form.pattern})" for number, form in enumerate(forms)]
    return Wrapped(re.compile("|".join([f"(?P<done>{PLACEHOLDER})", *parts])), forms)
