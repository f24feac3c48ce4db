"""Which combinations a run tries: those that a person asks for, or those that are worth their time by default. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from packaging.version import Version

from diagnostics.lab.combination import AXES, EXTRAS, Combination, MatrixError, predicate

ABSENT = "none"
"""As a filter's value: the combination has nothing there, such as no aiohttp."""

FILTERS = (*AXES, *EXTRAS, "environment")
"""What `select` can be asked for; `environment` is a combination's slug."""


def select(combinations: Sequence[Combination], filters: Mapping[str, Collection[str]]) -> list[Combination]:
    """The combinations that fit every filter, in their order; a filter without values asks for nothing.

    Args:
        combinations: what `expand` gave.
        filters: one of `FILTERS` to its values, of which one must fit: a version or the beginning of one (`3` is every
            3.x), a specifier (`>=2`), `none`, for httpx also `httpx2` or `httpx2==2.16.2`, for environment a slug.

    Raises:
        MatrixError: a filter or a value is not in the matrix, or no combination fits all filters together.
    """
    kept = list(combinations)
    for key, values in filters.items():
        if key not in FILTERS:
            raise MatrixError(f"there is no filter {key!r}; there are {', '.join(FILTERS)}")
        fitting = {combination for value in values for combination in _fitting(combinations, key, value)}
        if values:
            kept = [combination for combination in kept if combination in fitting]
    if combinations and not kept:
        asked = ", ".join(f"{key} {' or '.join(values)}" for key, values in filters.items() if values)
        raise MatrixError(f"no combination of the matrix has {asked} together; leave one of them out")
    return kept


def default_selection(
    combinations: Sequence[Combination],
    available_pythons: Collection[str],
    unsatisfiable: Collection[Combination] = (),
) -> list[Combination]:
    """What a run without options tries.

    For the newest available Python everything; for every other one, available or not, the newest openai of each httpx
    generation on the newest release of that generation; and what has extras, for that was included by name. What is
    unavailable stays in, so that it is recorded; what is unsatisfiable does on the newest Python, and where its whole
    generation is.

    Args:
        combinations: what `expand` gave.
        available_pythons: those of the matrix for which this machine has an interpreter, as the matrix writes them.
        unsatisfiable: those of which the resolver is known to have said no.
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


def _fitting(combinations: Iterable[Combination], key: str, value: str) -> list[Combination]:
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
        raise MatrixError(f"{key} {value!r} is not in the matrix; there is {', '.join(there)}")
    return found


def _shown(combination: Combination, key: str) -> str:
    return combination.slug if key == "environment" else combination.value(key) or ABSENT
