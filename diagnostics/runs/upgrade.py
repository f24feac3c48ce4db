"""Reads what earlier versions wrote: records of schema `/1` get the field names of today. Pure.

A record comes in as parsed JSON and goes out as parsed JSON. What is not a record is returned as it is: whoever parses
it reports what is wrong with it.
"""

from __future__ import annotations

from typing import Any, Final

RENAMED: Final[dict[str, str]] = {"watched": "instrumented", "jets": "calls", "by_jets": "by_calls"}
"""Field names of schema 1 and what they are called now."""

_NAMES_ARE_DATA: Final = frozenset({"environment", "packages", "redacted", "skipped", "moved", "locks"})
"""Fields that hold an object whose names are data, such as packages: they are not renamed."""


def upgraded(data: Any) -> Any:
    """A record of any kind with the field names of today; one of today is returned unchanged."""
    if isinstance(data, list):
        return [upgraded(each) for each in data]
    if not isinstance(data, dict):
        return data
    return {
        RENAMED.get(name, name): value if name in _NAMES_ARE_DATA else upgraded(value) for name, value in data.items()
    }
