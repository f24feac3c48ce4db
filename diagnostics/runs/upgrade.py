"""Turns records of schema `/1` into those of today. Pure: parsed JSON in, parsed JSON out.

A record of the current or of an unknown schema is returned unchanged: the codec reports what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from diagnostics.model.codec import RecordError

RENAMED: Final[dict[str, str]] = {
    "watched": "instrumented",
    "jets": "calls",
    "by_jets": "by_calls",
    "asked": "request",
}
"""Field names of schema 1 and what they are called now."""

_NAMES_ARE_DATA: Final = frozenset({"environment", "packages", "redacted", "skipped", "moved", "locks"})
"""Fields that hold an object whose names are data, such as packages: they are not renamed."""


def upgraded(data: Any) -> Any:
    """A record of any kind in the schema of today.

    Raises:
        RecordError: it claims to be of schema 1 and does not have its form.
    """
    schema = data.get("schema") if isinstance(data, dict) else None
    upgrade = _UPGRADES.get(schema) if isinstance(schema, str) else None
    if upgrade is None:
        return data
    try:
        return upgrade(_renamed(data))
    except (KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"a field of schema {data['schema']} is missing or wrong: {error}") from error


def upgraded_rows(data: Any) -> Any:
    """The rows of an `environments.json`, which names no schema."""
    if not isinstance(data, list):
        return data
    return [
        {"slug": row.get("name"), "reason": None, "python": "", "packages": {}, **row} if isinstance(row, dict) else row
        for row in data
    ]


def embedded_environment(data: Any) -> Any:
    """The environment that a trial of schema 1 holds; `None` where it only names one."""
    environment = data.get("environment") if isinstance(data, dict) else None
    return environment if isinstance(environment, dict) else None


def _renamed(data: Any) -> Any:
    if isinstance(data, list):
        return [_renamed(each) for each in data]
    if not isinstance(data, dict):
        return data
    return {
        RENAMED.get(name, name): value if name in _NAMES_ARE_DATA else _renamed(value) for name, value in data.items()
    }


def _trial(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "schema": "diagnostics.trial/2", "environment": data["environment"]["name"]}


def _run(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "schema": "diagnostics.run/2"}


def _phase(data: dict[str, Any]) -> dict[str, Any]:
    environments = {row["name"]: row for row in (data["environment"], *map(embedded_environment, data["trials"]))}
    return {
        **data,
        "schema": "diagnostics.phase/2",
        "number": data["phase"],
        "trials": [_trial(each) for each in data["trials"]],
        "environments": list(environments.values()),
    }


def _bisection(data: dict[str, Any]) -> dict[str, Any]:
    tried = {each["version"]: each for each in data["looks"]}

    def side(change: dict[str, Any], name: str) -> dict[str, Any]:
        return {**tried[change[name]], "packages": change["locks"][name]}

    return {
        **data,
        "schema": "diagnostics.bisect/2",
        "what": data["scenario"] if data["script"] is None else data["script"],
        "is_script": data["script"] is not None,
        "every": data["all"],
        "changes": [
            {**change, "before": side(change, "before"), "after": side(change, "after")}
            for change in data["boundaries"]
        ],
        "tried": data["looks"],
    }


_UPGRADES: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "diagnostics.trial/1": _trial,
    "diagnostics.run/1": _run,
    "diagnostics.phase/1": _phase,
    "diagnostics.bisect/1": _bisection,
}
