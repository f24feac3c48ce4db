"""Removes secrets from everything that the sanitizer writes and prints, also for the program's own user.

Secrets are keys of a known form, the values of variables that hold secrets, and credentials in URLs. Paths, names and
prompts stay: the document is the user's own. Reports that are made from it remove those too.
"""

from __future__ import annotations

import os
import re
from typing import Any

from diagnostics.model.secret_forms import ANY_KEY, SHORTEST_SECRET, is_secret_name

_MARK = "<key>"
_CREDENTIALS = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*://)(?!<key>@)[^\s/?#\"'<>]*(?=@)")
_OPTION_NAME = re.compile(r"--?[A-Za-z0-9-]*(?:key|token|secret|password|passwd)", re.IGNORECASE)
_OPTION = re.compile(rf"({_OPTION_NAME.pattern}=).+", re.IGNORECASE | re.DOTALL)


def redact_text(text: str) -> str:
    """Returns the text without keys, secret values and credentials."""
    for value in sorted(_values(), key=len, reverse=True):
        text = text.replace(value, _MARK)
    return _CREDENTIALS.sub(rf"\g<1>{_MARK}", ANY_KEY.sub(_MARK, text))


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
    """Returns the words of a command line without the values of options that are named like secrets."""
    shown: list[str] = []
    for number, word in enumerate(words):
        follows = number > 0 and _OPTION_NAME.fullmatch(words[number - 1]) and not word.startswith("-")
        shown.append(_MARK if follows else _OPTION.sub(rf"\g<1>{_MARK}", word))
    return shown


def _values() -> set[str]:
    held = {value.strip() for name, value in os.environ.items() if is_secret_name(name)}
    return {value for value in held if len(value) >= SHORTEST_SECRET}
