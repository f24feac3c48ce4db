"""Selects the combinations of a run: those that a person names, or by default those that are worth their time. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from packaging.version import Version

from diagnostics.lab.combination import AXES, EXTRAS, Combination, MatrixError, predicate
from diagnostics.model.errors import PROGRAM

ABSENT: Final = "none"
"""A value of a filter: the combination does not have the package, such as aiohttp."""

FILTERS: Final = (*AXES, *EXTRAS, "environment")
"""The filters of `select`; `environment` is the slug of a combination."""


def select(combinations: Sequence[Combination], filters: Mapping[str, Collection[str]]) -> list[Combination]:
    """Returns the combinations that match every filter, in their order; a filter without values matches all.

    Args:
        combinations: the result of `expand`.
        filters: maps each of `FILTERS` to its values, one of which must match: a version or the beginning of one (`3`
            is every 3.x), a specifier (`>=2`), `none`, for httpx also `httpx2` or `httpx2==2.16.2`, for environment a
            slug.

    Raises:
        MatrixError: a filter or a value is not in the matrix, or no combination matches all filters together.
    """
    kept = list(combinations)
    for key, values in filters.items():
        if key not in FILTERS:
            raise MatrixError(f"there is no filter {key!r}; there are {', '.join(FILTERS)}")
        matching = {combination for value in values for combination in _matching(combinations, key, value)}
        if values:
            kept = [combination for combination in kept if combination in matching]
    if combinations and not kept:
        selected = ", ".join(f"{key} {' or '.join(values)}" for key, values in filters.items() if values)
        raise MatrixError(f"no combination of the matrix has {selected} together; leave one of them out")
    return kept


def default_selection(
    combinations: Sequence[Combination],
    available_pythons: Collection[str],
    unsatisfiable: Collection[Combination] = (),
) -> list[Combination]:
    """Returns the combinations of a run without options.

    These are all combinations of the newest available Python; for every other Python, the newest openai with the
    newest release of each HTTP stack; and those with extras, because the matrix includes them by name. Unavailable
    combinations are among them, so that a run records them. Unsatisfiable ones are left out if another one can replace
    them.

    Args:
        combinations: the result of `expand`.
        available_pythons: those of the matrix for which this machine has an interpreter, as the matrix writes them.
        unsatisfiable: those that the resolver has rejected.
    """
    newest = max((c.python for c in combinations if c.python in available_pythons), key=Version, default=None)
    kept = {combination for combination in combinations if _extras(combination)}

    def rank(combination: Combination) -> tuple[object, ...]:
        return (combination not in unsatisfiable, *_rank(combination))

    for python in {combination.python for combination in combinations}:
        own = [combination for combination in combinations if combination.python == python]
        if python == newest:
            kept.update(own)
            continue
        for generation in {combination.generation for combination in own}:
            kept.add(max((c for c in own if c.generation == generation), key=rank))
    return [combination for combination in combinations if combination in kept]


def _rank(combination: Combination) -> tuple[object, ...]:
    """Newest first by openai, then httpx, then the other SDKs; of equals the one without extras."""
    lowest = Version("0.dev0")
    return (*(combination.version(axis) or lowest for axis in AXES if axis != "python"), -_extras(combination))


def _extras(combination: Combination) -> int:
    return sum(name in EXTRAS for name, _ in combination.packages) + (combination.loop != "asyncio")


def _matching(combinations: Iterable[Combination], key: str, value: str) -> list[Combination]:
    there = list(dict.fromkeys(_shown(combination, key) for combination in combinations))
    if key == "environment":
        found = [combination for combination in combinations if combination.slug == value]
    elif value == ABSENT:
        found = [combination for combination in combinations if combination.value(key) is None]
    else:
        try:
            test = predicate(key, value, prefix=True)
        except MatrixError:
            found = []
        else:
            found = [combination for combination in combinations if test(combination)]
    if not found:
        raise MatrixError(f"{key} {value!r} is not in the matrix; choose from {', '.join(there)}{_anyway(key, value)}")
    return found


def _anyway(key: str, value: str) -> str:
    """What to type for a release that the matrix lacks."""
    name, _, release = value.rpartition("==")
    if key in ("python", "environment") or not re.fullmatch(r"\d+(\.\d+)+", release):
        return ""
    return f"; to run it anyway: {PROGRAM} repro --vary {name or key}={release}"


def _shown(combination: Combination, key: str) -> str:
    return combination.slug if key == "environment" else combination.value(key) or ABSENT
