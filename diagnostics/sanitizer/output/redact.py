"""Removes secrets from everything that the sanitizer writes and prints, also for the program's own user.

Secrets are what `model.secret_forms` describes, the values of variables that hold secrets, and credentials in URLs.
Paths, names and prompts stay: the document is the user's own. Reports that are made from it remove those too.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import Any, Final

from diagnostics.model.secret_forms import SECRET_FORMS, SHORTEST_SECRET, is_secret_name

_MARK = "<key>"
_CREDENTIALS = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*://)(?!<key>@)[^\s/?#\"'<>]*(?=@)")
_OPTION_NAME = re.compile(
    r"--?[A-Za-z0-9-]*(?:key|token|secret|password|passwd|pwd|credentials?|auth|authorization|bearer|cookie)",
    re.IGNORECASE,
)
_USER = re.compile(r"--?(?:proxy-)?(?:u|user)")
_USER_VALUE = re.compile(r"(--?(?:proxy-)?user=)[^:]+:.+", re.DOTALL)
_NAMED = re.compile(
    r"(?<![A-Za-z0-9_.-])(?P<front>(?P<name>[A-Za-z0-9_.-]+)[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic|token|digest)\s+)?)"
    r"(?!<key>)(?P<value>[^\s\"'&,;}\])<>]+)",
    re.IGNORECASE,
)
_NO_SECRET = re.compile(r"(?:max[_-]?)?(?:[a-z_-]+[_-])?tokens|authors?", re.IGNORECASE)
_FORMS: Final = tuple((re.compile(pattern), needs) for _, pattern, needs in SECRET_FORMS)


@lru_cache(maxsize=1024)  # a report names the same few lines again and again
def _without_forms(text: str) -> str:
    lower = text.lower()
    for pattern, needs in _FORMS:
        if any(piece in lower for piece in needs):
            text = pattern.sub(_replacement, text)
    return _CREDENTIALS.sub(rf"\g<1>{_MARK}", text)


def _replacement(match: re.Match[str]) -> str:
    front = next((kept for kept in match.groups() if kept), "")
    value = match.group()[len(front) :]
    # `api_key=settings.key` and `f"Bearer {key}"` are code that names a secret without its value.
    if front.endswith("="):
        names_it = re.fullmatch(r"[A-Za-z_]+(?:\.[A-Za-z_]+|[(\[].*)*", value, re.DOTALL) is not None
        if names_it and not front.lstrip().startswith(("?", "&", ";")):
            return match.group()
    return match.group() if value.startswith("{") else front + _MARK


def redact_text(text: str) -> str:
    """Returns the text without keys, secret values and credentials."""
    for value in sorted(_values(), key=len, reverse=True):
        text = text.replace(value, _MARK)
    return _without_forms(text)


def redact(data: Any) -> Any:
    """Returns a JSON value with every text redacted."""
    if isinstance(data, str):
        return redact_text(data)
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
        follows = not word.startswith("-") and (
            _OPTION_NAME.fullmatch(before) or (_USER.fullmatch(before) and ":" in word)
        )
        shown.append(_MARK if follows else _word(word))
    return shown


def _word(word: str) -> str:
    option, is_set, _ = word.partition("=")
    if is_set and _OPTION_NAME.fullmatch(option) and not _NO_SECRET.fullmatch(option.lstrip("-")):
        return f"{option}={_MARK}"
    word = _USER_VALUE.sub(rf"\g<1>{_MARK}", word)
    return redact_text(_NAMED.sub(_value, word))


def _value(match: re.Match[str]) -> str:
    hides = is_secret_name(match["name"]) and not _NO_SECRET.fullmatch(match["name"])
    return match["front"] + _MARK if hides else match.group()


def _values() -> set[str]:
    held = {value.strip() for name, value in os.environ.items() if is_secret_name(name)}
    return {value for value in held if len(value) >= SHORTEST_SECRET}
