"""The environments of the matrix: pure functions of the table `[tool.diagnostics.matrix]`.

    expand(table)           every combination, in table order
    sessions(combinations)  a readable, unique name for each

An invalid entry, an unknown key and a rule that matches nothing are errors. Standard library and `packaging` only,
because the noxfile imports this before anything is installed; no IO.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from packaging.version import InvalidVersion, Version

from diagnostics.lab.combination import AXES, EXTRAS, GENERATIONS, LOOPS, Combination, MatrixError, predicate


def expand(table: Mapping[str, Any]) -> list[Combination]:
    """Returns every combination: the product of the axes, minus `exclude`, plus `include`.

    Args:
        table: the axes as lists of strings (`python` is required; a missing or empty axis is in no environment),
            `exclude` and `include` as lists of tables of strings.

    Raises:
        MatrixError: a key is unknown, an entry is invalid or duplicate, a rule matches nothing, or an `include` entry
            is already in the product.
    """
    _known(table, (*AXES, "include", "exclude"), "the matrix")
    axes = {axis: _entries(axis, table.get(axis, [])) for axis in AXES}
    if not axes["python"]:
        raise MatrixError('the matrix has no python; add for example python = ["3.13"]')
    product = [
        _combination({axis: entry for axis, entry in zip(AXES, entries, strict=True) if entry is not None})
        for entries in itertools.product(*(_or_nothing(axes[axis]) for axis in AXES))
    ]
    excluded: set[Combination] = set()
    for rule in _rules(table, "exclude"):
        excluded |= _matched(rule, product)
    result = [combination for combination in product if combination not in excluded]
    for entry in _rules(table, "include"):
        added = _included(entry)
        if added in result:
            raise MatrixError(f"include {_show(entry)} is already in the matrix; remove the entry")
        result.append(added)
    return result


def sessions(combinations: Sequence[Combination]) -> dict[str, Combination]:
    """A name for each combination that reads like a call: `repro(python='3.13', openai='3.54.0', …)`.

    The short form names Python, openai, httpx and the extras; combinations that would share it name all their packages.
    """
    short = ("python", "openai", "httpx", *EXTRAS)
    names = [_call(combination, short) for combination in combinations]
    return {
        name if names.count(name) == 1 else _call(combination, (*AXES, *EXTRAS)): combination
        for name, combination in zip(names, combinations, strict=True)
    }


def _call(combination: Combination, keys: Iterable[str]) -> str:
    values = {key: combination.value(key) for key in keys if key != "loop" or combination.loop != "asyncio"}
    return f"repro({', '.join(f'{_word(key)}={value!r}' for key, value in values.items() if value is not None)})"


def _word(key: str) -> str:
    # nox compares names as Python expressions, so that quotes and spaces may differ; a hyphen would end the keyword.
    return key.replace("-", "_")


def _combination(values: Mapping[str, str]) -> Combination:
    packages: list[tuple[str, str]] = []
    for key in (*AXES, *EXTRAS):
        if key in values and key not in ("python", "loop"):
            name, _, version = values[key].rpartition("==")
            packages.append((name or key, version))
    return Combination(values["python"], tuple(packages), values.get("loop", "asyncio"))


def _entry(key: str, entry: Any) -> str:
    """Returns an entry of an axis or an extra in canonical form."""
    if not isinstance(entry, str):
        raise MatrixError(f"{key} entry {entry!r} is not a string")
    if key == "loop":
        if entry not in LOOPS:
            raise MatrixError(f"loop {entry!r} is not known; there are {', '.join(LOOPS)}")
        return entry
    name, separator, version = entry.strip().rpartition("==") if key == "httpx" else ("", "", entry)
    if key == "httpx" and (not separator or name.strip() not in GENERATIONS):
        raise MatrixError(f"httpx entry {entry!r} is not httpx==<version> or httpx2==<version>")
    try:
        # Python is compared and shown as it is written: 3.10 must not become 3.1, nor 3.13 become 3.13.0.
        return f"{name.strip()}{separator}{Version(version)}"
    except InvalidVersion:
        raise MatrixError(f"{key} entry {entry!r} is not a version") from None


def _entries(axis: str, entries: Any) -> list[str]:
    if not isinstance(entries, list):
        raise MatrixError(f"{axis} is not a list of strings, but {entries!r}")
    result = [_entry(axis, entry) for entry in entries]
    for entry in result:
        if result.count(entry) > 1:
            raise MatrixError(f"{axis} entry {entry!r} is listed twice")
    return result


def _or_nothing(entries: Sequence[str]) -> Sequence[str | None]:
    return entries or (None,)


def _rules(table: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    rules = table.get(kind, [])
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) and rule for rule in rules):
        raise MatrixError(f'{kind} is not a list of tables such as {{ python = "3.13", openai = "3.54.0" }}')
    for rule in rules:
        _known(rule, AXES if kind == "exclude" else (*AXES, *EXTRAS), f"{kind} {_show(rule)}")
    return rules


def _matched(rule: Mapping[str, Any], product: Sequence[Combination]) -> set[Combination]:
    for key, text in rule.items():
        if not isinstance(text, str):
            raise MatrixError(f"exclude {_show(rule)}: {key} is not a string")
    tests = [predicate(key, text) for key, text in rule.items()]
    matched = {combination for combination in product if all(test(combination) for test in tests)}
    if not matched:
        raise MatrixError(f"exclude {_show(rule)} matches no combination; correct or remove it")
    return matched


def _included(entry: Mapping[str, Any]) -> Combination:
    if "python" not in entry:
        raise MatrixError(f'include {_show(entry)} has no python; add for example python = "3.13"')
    values = {key: _entry(key, value) for key, value in entry.items()}
    if values.get("loop") == "uvloop" and "uvloop" not in values:
        raise MatrixError(f'include {_show(entry)} uses the uvloop loop; add uvloop = "<version>" to the entry')
    return _combination(values)


def _known(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise MatrixError(f"{where} has the unknown key {key!r}; known are {', '.join(known)}")


def _show(rule: Mapping[str, Any]) -> str:
    return "{ " + ", ".join(f'{key} = "{value}"' for key, value in rule.items()) + " }"
