"""How each kind of field leaves the machine: one function for each `model.field_types.Rule`.

A function takes the value and `clean`, which removes secrets from a text. A value that does not look as its rule says
is treated as free text, so nothing passes as a version or a word of the project that is neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from diagnostics.model.field_types import Rule
from diagnostics.model.placeholders import KINDS

Clean = Callable[[str], str]

_DIGEST: Final = re.compile(r"[0-9a-f]{16}")
_VERSION: Final = re.compile(
    r"|v?[0-9]{1,9}(?:[.!][0-9]{1,9}){0,9}(?:[._-]?(?:a|b|c|rc|alpha|beta|pre|preview|post|rev|r|dev)[._-]?[0-9]{0,9}){0,3}\+?"
)
_LOCAL: Final = re.compile(r"\+[A-Za-z0-9.]+$")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_PROSE: Final = re.compile(r"(?P<quote>\"\"\"|'''|[\"'])(?:(?!(?P=quote))(?:[^\\]|\\.))*?(?:(?P=quote)|\Z)", re.DOTALL)
_PLACES: Final = ("site-packages", "dist-packages")
_RELATIVE: Final = re.compile(r"\w[^:]*")
_A_PROMPT: Final = 'content="a prompt"'


def digest(value: Any, clean: Clean) -> Any:
    """The key of a trial is kept."""
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else text(value, clean)


def version(value: Any, clean: Clean) -> Any:
    """A version without its local part, which says who built it."""
    if isinstance(value, str):
        value = _LOCAL.sub("", value)
    return value if value is None or (isinstance(value, str) and _VERSION.fullmatch(value)) else text(value, clean)


def time(value: Any, clean: Clean) -> Any:
    """A moment is kept."""
    return value if value is None or (isinstance(value, str) and _TIME.fullmatch(value)) else text(value, clean)


def text(value: Any, clean: Clean) -> Any:
    """Free text, also inside lists and objects; the names of an object's fields are text too."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): text(each, clean) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [text(each, clean) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else clean(str(value))


def words(given: Sequence[Any], shown: Sequence[Any], clean: Clean) -> tuple[Any, ...]:
    """Texts in a row, each of them redacted: on a command line, an option says that the next word is a secret."""
    found = list(shown)
    for number, (option, word) in enumerate(pairwise(given), start=1):
        if isinstance(word, str) and isinstance(option, str) and option.startswith("-") and found[number] == word:
            hides = clean(f"{option} {word}") == f"{option} {KINDS['key']}"
            found[number] = KINDS["key"] if hides else word
    return tuple(found)


def code(value: Any, clean: Clean) -> Any:
    """A line of the user's program: a literal that reads like prose is a prompt and goes, unless prompts may leave."""
    if not isinstance(value, str):
        return text(value, clean)
    if clean(_A_PROMPT) == _A_PROMPT:  # with content
        return clean(value)
    return clean(_PROSE.sub(_without_prose, value))


def _without_prose(literal: re.Match[str]) -> str:
    quote, said = literal["quote"], literal.group()
    return f"{quote}<content>{quote}" if re.search(r"\s", said) else said


def file(value: Any, clean: Clean) -> Any:
    """A path from its package on, or its last folder and name; a relative path was shortened when it was written."""
    if not isinstance(value, str):
        return text(value, clean)
    parts = clean(value).replace("\\", "/").split("/")
    for place in _PLACES:
        if place in parts:
            return "/".join(parts[parts.index(place) + 1 :])
    return "/".join(parts if _RELATIVE.fullmatch(value) else parts[-2:])


RULES: Final[Mapping[Rule, Callable[[Any, Clean], Any]]] = {
    Rule.WORD: text,
    Rule.TEXT: text,
    Rule.CODE: code,
    Rule.FILE: file,
    Rule.VERSION: version,
    Rule.TIME: time,
    Rule.DIGEST: digest,
}
