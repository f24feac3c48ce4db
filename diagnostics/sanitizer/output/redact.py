"""Removes secrets from everything that the sanitizer writes and prints, also for the program's own user.

Secrets are what `model.secret_forms` describes, the values of variables that hold secrets, and credentials in URLs.
Paths, names and prompts stay: the document is the user's own. Reports that are made from it remove those too.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from diagnostics.model.disguised import Known, without_disguised
from diagnostics.model.encoded import DEPTH, decode
from diagnostics.model.secret_forms import SECRET_FORMS, SHORTEST_SECRET, is_secret_name
from diagnostics.model.visible import visible

_MARK = "<key>"
_CREDENTIALS = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*://)(?!<key>@)[^\s/?#\"'<>]*(?=@)")
_NAME = re.compile(r"--?[\w-]+|[\w-]+:")
"""What a value may follow as a word of its own: an option, or a header."""

_USER = re.compile(r"--?(?:proxy-)?(?:u|user)")
_USER_VALUE = re.compile(r"(--?(?:proxy-)?user=)[^:]+:.+", re.DOTALL)
_NAMED = re.compile(
    r"(?<![A-Za-z0-9_.-])(?P<front>(?P<name>[A-Za-z0-9_.-]+)[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|token|digest)\s+)?)"
    r"(?!<key>)(?P<value>[^\s\"'&,;}\])<>]+)",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET_WORD = re.compile(
    r"(?<![a-z])(?:(?:api|access|secret|private|account|subscription)?key|pwd|pass|auth|authorization|bearer|dsn)(?![a-z])"
    r"|(?:token|secret|passwd|password|passphrase|credentials?|cookie|signature)(?![a-z])"
)
_BREAK = r"(?:[\"'`]?[ \t]*\r?\n[ \t]*[\"'`]?)?"
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z]).{8,}", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{[\w.\[\]()]*\}")
_FORMS: Final = tuple((re.compile(pattern), needs) for _, pattern, needs in SECRET_FORMS)


def _without_forms(text: str) -> str:
    lower = text.lower()
    for pattern, needs in _FORMS:
        if any(piece in lower for piece in needs):
            text = pattern.sub(_replacement, text)
    return _CREDENTIALS.sub(rf"\g<1>{_MARK}", text)


def _replacement(match: re.Match[str]) -> str:
    front = next((kept for kept in match.groups() if kept), "")
    value = match.group()[len(front) :]
    # `api_key=settings.key`, `{"Authorization": token}` and `f"Bearer {key}"` name a secret in code, without its value.
    if re.search(r"[\"']: ?$", front) and re.fullmatch(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*", value):
        return match.group()
    if front.endswith("="):
        names_it = re.fullmatch(r"[A-Za-z_]+(?:\.[A-Za-z_]+|[(\[].*)*", value, re.DOTALL) is not None
        if names_it and not front.lstrip().startswith(("?", "&", ";")):
            return match.group()
    return match.group() if _PLACEHOLDER.match(value) else front + _MARK


def redact_text(text: str) -> str:
    """Returns the text without keys, secret values and credentials."""
    return _redacted(text, tuple((value, "key") for value in sorted(_values(), key=len, reverse=True)), DEPTH)


@lru_cache(maxsize=1024)  # a report names the same few lines again and again
def _redacted(text: str, known: Known, depth: int) -> str:
    for value in _patterns(known):
        text = value.sub(_MARK, text)
    text = _without_forms(text)
    if depth > 0:
        text = decode(text, lambda plain: _redacted(plain, known, depth - 1))
    return without_disguised(text, known)


@lru_cache(maxsize=16)
def _patterns(known: Known) -> tuple[re.Pattern[str], ...]:
    """Values in any case, and broken over two lines."""
    return tuple(re.compile(_BREAK.join(map(re.escape, value)), re.IGNORECASE) for value, _ in known)


def redact(data: Any) -> Any:
    """Returns a JSON value with every text redacted and visible."""
    if isinstance(data, str):
        return visible(redact_text(data))
    if isinstance(data, dict):
        return {name: redact(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [redact(value) for value in data]
    return data


def command_line(words: list[str]) -> list[str]:
    """Returns the words of a command line without the values that follow the name of a secret."""
    shown: list[str] = []
    for number, word in enumerate(words):
        before = words[number - 1] if number > 0 else ""
        hides = not word.startswith("-") and (
            (_NAME.fullmatch(before) and _is_secret(before, word))
            or before.lower() in ("bearer", "basic")
            or (_USER.fullmatch(before) and ":" in word)
            or (before.startswith("-") and redact_text(f"{before} {word}") == f"{before} {_MARK}")
        )
        shown.append(_MARK if hides else _word(word))
    return shown


def _word(word: str) -> str:
    option, is_set, value = word.partition("=")
    if is_set and option.startswith("-") and _is_secret(option, value):
        return f"{option}={_MARK}"
    word = _USER_VALUE.sub(rf"\g<1>{_MARK}", word)
    return redact_text(_NAMED.sub(_value, word))


def _value(match: re.Match[str]) -> str:
    return match["front"] + _MARK if _is_secret(match["name"], match["value"]) else match.group()


def _is_secret(name: str, value: str) -> bool:
    """Returns whether a name says that its value is a secret, or the value looks like one and the name may say so."""
    words = _CAMEL.sub("_", name).lower()
    return _SECRET_WORD.search(words) is not None or (is_secret_name(name) and _RANDOM.fullmatch(value) is not None)


def _values() -> set[str]:
    held = {value.strip() for name, value in os.environ.items() if is_secret_name(name)}
    return {value for value in (*held, *_of_options(tuple(sys.argv))) if len(value) >= SHORTEST_SECRET}


@lru_cache(maxsize=4)
def _of_options(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the values of options whose names say that they are secrets, if they look random."""
    pairs = [*pairwise(words), *((name, value) for name, _, value in (word.partition("=") for word in words))]
    return tuple(
        value
        for name, value in pairs
        if name.startswith("-") and not value.startswith("-") and _RANDOM.fullmatch(value) and _is_secret(name, value)
    )
