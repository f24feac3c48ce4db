"""What a line break cuts in two: wrapped keys, wrapped names, literals that go on in the next line.

The lines are joined, what is found across a joint is taken out of the text as it was. A key may end where its line
does: what follows on the next line belongs to it only where that looks like more of a key.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Final

from diagnostics.model.secret_forms import KEY_FORMS
from diagnostics.redaction.forms import E_MAIL, Form
from diagnostics.redaction.hidden import Secrets
from diagnostics.redaction.kinds import KINDS, PLACEHOLDER
from diagnostics.redaction.patterns import known_forms

_JOINT: Final = re.compile(r"[\"']?[ \t│|]*\\?\r?\n[ \t│|>]*[\"']?")
_NEXT: Final = re.compile(r"[^\s\"'<>,;()\[\]{}]+")
_LIKE_A_KEY: Final = re.compile(r"(?!\d+\.\d)(?=.*(?:[0-9_=-]|[a-z][A-Z]))[A-Za-z0-9_.=-]{2,}")
_CREDENTIALS: Final = r"(?i:(?<=://)(?!<credentials>@)[^\s/?#\"'<>@]*:[^\s/?#\"'<>@]*(?=@))"
_V4: Final = Form(
    "address", r"(?<![\w.])(?:10|127|172\.(?:1[6-9]|2\d|3[01])|192\.168|169\.254)(?:\.\d{1,3}){2,3}(?!\.?\d)", (".",)
)
_SHORTEST_NAME: Final = 4
_WHOLE_WORDS: Final = ("user", "host")


@dataclass(frozen=True)
class _Joined:
    """A text without its joints, and where they were: in it, and what they took."""

    text: str
    places: tuple[int, ...]
    """Ascending, in the joined text: the place of each joint."""
    shifts: tuple[int, ...]
    """Characters that the joints up to each place took out."""

    def start(self, place: int) -> int:
        """Where a character of the joined text was."""
        passed = bisect_right(self.places, place)
        return place + (self.shifts[passed - 1] if passed else 0)

    def next(self, joint: int) -> int:
        """The joint behind one, or the end."""
        passed = bisect_right(self.places, joint)
        return self.places[passed] if passed < len(self.places) else len(self.text)

    def joints(self, start: int, end: int) -> tuple[int, ...]:
        """The joints strictly inside a stretch."""
        return self.places[bisect_right(self.places, start) : bisect_right(self.places, end - 1)]


def mend(text: str, secrets: Secrets, *, keys_only: bool) -> str:
    """The text without what its line breaks cut in two.

    Args:
        keys_only: before the first sweep, which would take a key's first line for the whole of it.
    """
    if "\n" not in text:
        return text
    joined = _join(text)
    pattern, needs = _keys() if keys_only else _names(secrets)
    lower = joined.text.lower()
    if not any(piece in lower for piece in needs):
        return text
    parts, last = [], 0
    for match in pattern.finditer(joined.text):
        kind = match.lastgroup or ""
        if kind == "done":
            continue
        start, end = match.span()
        if keys_only:
            end = _end_of_key(joined, start, end)
        if not joined.joints(start, end):
            continue
        before, after = joined.start(start), joined.start(end - 1) + 1
        # Names are words; the ends of a word are looked for where nothing was joined to it.
        if kind.startswith(_WHOLE_WORDS) and (text[before - 1 : before].isalnum() or text[after : after + 1].isalnum()):
            continue
        if before >= last:
            parts += [text[last:before], KINDS[kind.rpartition("_")[0].replace("_", "-") or kind]]
            last = after
    return "".join([*parts, text[last:]])


def _join(text: str) -> _Joined:
    parts: list[str] = []
    places: list[int] = []
    shifts: list[int] = []
    length = last = shift = 0
    for joint in _JOINT.finditer(text):
        parts.append(text[last : joint.start()])
        length += joint.start() - last
        last = joint.end()
        shift += joint.end() - joint.start()
        places.append(length)
        shifts.append(shift)
    return _Joined("".join([*parts, text[last:]]), tuple(places), tuple(shifts))


def _end_of_key(joined: _Joined, start: int, end: int) -> int:
    """Where a key ends that was found in the joined text: before the first line that is no part of a key."""
    for joint in joined.joints(start, end):
        # The whole next word, or nothing of it: it may be the name of a header, an address, the start of a sentence.
        following = _NEXT.match(joined.text, joint, joined.next(joint))
        word = following.group().rstrip(".") if following else ""
        if not _LIKE_A_KEY.fullmatch(word) or joint + len(word) > end:
            return joint
    return end


@lru_cache(maxsize=1)
def _keys() -> tuple[re.Pattern[str], tuple[str, ...]]:
    patterns, needs = zip(*KEY_FORMS, strict=True)
    return re.compile(f"(?P<done>{PLACEHOLDER})|(?P<key>{'|'.join(patterns)})"), tuple(chain.from_iterable(needs))


@lru_cache(maxsize=16)
def _names(secrets: Secrets) -> tuple[re.Pattern[str], tuple[str, ...]]:
    known = known_forms(secrets, shortest=_SHORTEST_NAME)
    others = [Form("credentials", _CREDENTIALS, ("://",)), Form("e_mail", E_MAIL.format(not_at=""), ("@",)), _V4]
    # A blank at the end of a line is taken for a part of the joint.
    letters = [f"(?i:{re.escape(form.needs[0])})".replace("\\ ", "[ ]?") for form in known]
    patterns = [*letters, *(form.pattern for form in others)]
    parts = [
        f"(?P<{form.kind}_{number}>{pattern})"
        for number, (form, pattern) in enumerate(zip([*known, *others], patterns, strict=True))
    ]
    needs = [form.needs[0].split()[0] for form in known] + [piece for form in others for piece in form.needs]
    return re.compile("|".join([f"(?P<done>{PLACEHOLDER})", *parts])), tuple(needs)
