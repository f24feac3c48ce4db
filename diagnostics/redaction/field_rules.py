"""How a field may leave: the ways that the tables name, and what applies them.

A way is a function of the field's value and of `clean`, which takes secrets out of a text. A value that is not of the
kind its way says is treated as free text, so nothing can pass as a version or as a word of ours that is neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

Clean = Callable[[str], str]
Way = Callable[[Any, Clean], Any]
Table = Mapping[str, Way]

_DIGEST: Final = re.compile(r"[0-9a-f]{16}")
_VERSION: Final = re.compile(r"(?=.*[0-9])[0-9A-Za-z.!_-]{1,40}\+?|")
_LOCAL: Final = re.compile(r"\+[A-Za-z0-9.]+$")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
_PROSE: Final = re.compile(r"(?P<quote>\"\"\"|'''|[\"'])(?:(?!(?P=quote))(?:[^\\]|\\.))*?(?:(?P=quote)|\Z)", re.DOTALL)
_PLACES: Final = ("site-packages", "dist-packages")
_RELATIVE: Final = re.compile(r"\w[^:]*")
_A_PROMPT: Final = 'content="a prompt"'


def word(value: Any, clean: Clean) -> Any:
    """A word of ours (a status, a scenario, a class, the name of an environment); what could be none is looked at.

    A user who is called like a word of ours is not hidden anywhere (`hidden.NOBODY`).
    """
    return text(value, clean)


def digest(value: Any, clean: Clean) -> Any:
    """The key of a trial."""
    return value if isinstance(value, str) and _DIGEST.fullmatch(value) else word(value, clean)


def version(value: Any, clean: Clean) -> Any:
    """A version; the local part of one says who built it, and stays here."""
    if isinstance(value, str):
        value = _LOCAL.sub("", value)
    return value if value is None or (isinstance(value, str) and _VERSION.fullmatch(value)) else text(value, clean)


def time(value: Any, clean: Clean) -> Any:
    """A moment, in UTC."""
    return value if value is None or (isinstance(value, str) and _TIME.fullmatch(value)) else text(value, clean)


def number(value: Any, clean: Clean) -> Any:
    """A number, yes or no, or nothing."""
    return value if value is None or isinstance(value, bool | int | float) else text(value, clean)


def text(value: Any, clean: Clean) -> Any:
    """Free text, also in lists and in objects whose fields nobody knows; names of such fields are text too."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(name)): text(each, clean) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [text(each, clean) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else clean(str(value))


def code(value: Any, clean: Clean) -> Any:
    """A line of a person's program: what is written in it as prose is a prompt, unless prompts may leave."""
    if not isinstance(value, str):
        return text(value, clean)
    if clean(_A_PROMPT) == _A_PROMPT:  # with content
        return clean(value)
    return clean(_PROSE.sub(_without_prose, value))


def _without_prose(literal: re.Match[str]) -> str:
    quote, said = literal["quote"], literal.group()
    return f"{quote}<content>{quote}" if re.search(r"\s", said) else said


def file(value: Any, clean: Clean) -> Any:
    """A file: from its package on, or with the one folder that it is in; a relative one was cut by whoever wrote it."""
    if not isinstance(value, str):
        return text(value, clean)
    parts = clean(value).replace("\\", "/").split("/")
    for place in _PLACES:
        if place in parts:
            return "/".join(parts[parts.index(place) + 1 :])
    return "/".join(parts if _RELATIVE.fullmatch(value) else parts[-2:])


def never(value: Any, clean: Clean) -> Any:
    """Stays here; a table names it so that everybody sees that it was thought of."""
    del value, clean


def each(way: Way) -> Way:
    """A list, each member in one way."""

    def leave_each(value: Any, clean: Clean) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            return text(value, clean)
        return [way(member, clean) for member in value]

    return leave_each


def by_name(names: Way, values: Way) -> Way:
    """An object whose fields are data, such as packages and their versions."""

    def leave_by_name(value: Any, clean: Clean) -> Any:
        if not isinstance(value, Mapping):
            return text(value, clean)
        return {names(name, clean): values(member, clean) for name, member in value.items()}

    return leave_by_name


def record(table: Table) -> Way:
    """An object of which a table lists the fields."""

    def leave_record(value: Any, clean: Clean) -> Any:
        return leave(value, table, clean) if isinstance(value, Mapping) else text(value, clean)

    return leave_record


def leave(value: Mapping[str, Any], table: Table, clean: Clean) -> dict[str, Any]:
    """The fields of a record that its table lists, each in its way, in their order; no other."""
    return {
        name: table[name](field, clean) for name, field in value.items() if name in table and table[name] is not never
    }
