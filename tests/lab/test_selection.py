import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.matrix import expand
from diagnostics.lab.selection import FILTERS, default_selection, select
from diagnostics.model.codec import decode, encode
from diagnostics.runs.records import RunRequest

MATRIX = expand(
    {
        "python": ["3.9", "3.10", "3.13", "3.12"],
        "openai": ["1.40.8", "2.54.0", "3.0.0", "3.54.0"],
        "httpx": ["httpx==0.27.2", "httpx==0.28.1", "httpx2==2.16.2", "httpx2==2.12.0"],
        "exclude": [{"openai": "<3", "httpx": "httpx2"}, {"openai": ">=3", "httpx": "httpx"}],
        "include": [
            {"python": "3.13", "openai": "3.54.0", "httpx": "httpx2==2.16.2", "aiohttp": "3.14.5"},
            {"python": "3.12", "openai": "3.54.0", "httpx": "httpx2==2.16.2", "aiohttp": "3.14.5"},
        ],
    }
)
PYTHONS = {c.python for c in MATRIX}
VALUES = [(key, value) for key in ("python", "openai", "httpx") for value in {str(c.value(key)) for c in MATRIX}]


def test_no_filter_keeps_all() -> None:
    assert select(MATRIX, {}) == select(MATRIX, {"openai": []}) == MATRIX


@given(st.sampled_from(VALUES), st.sampled_from(VALUES))
def test_values_of_one_filter_add_up_and_filters_narrow(one: tuple[str, str], other: tuple[str, str]) -> None:
    fitting = [[c for c in MATRIX if c.value(key) == value] for key, value in (one, other)]
    filters: dict[str, list[str]] = {}
    for key, value in (one, other):
        filters.setdefault(key, []).append(value)
    if one[0] == other[0]:
        expected = [c for c in MATRIX if c in fitting[0] or c in fitting[1]]
    else:
        expected = [c for c in fitting[0] if c in fitting[1]]
    if expected:
        assert select(MATRIX, filters) == expected
    else:
        with pytest.raises(MatrixError, match=r"no combination of the matrix has .* together"):
            select(MATRIX, filters)


@pytest.mark.parametrize("combination", MATRIX, ids=lambda combination: combination.slug)
def test_a_slug_selects_its_combination(combination: Combination) -> None:
    assert select(MATRIX, {"environment": [combination.slug]}) == [combination]


def test_the_ways_to_write_a_value() -> None:
    def openai(*values: str) -> set[str | None]:
        return {c.value("openai") for c in select(MATRIX, {"openai": values})}

    assert openai("3") == {"3.0.0", "3.54.0"}
    assert openai("3.0") == openai("3.0.0") == {"3.0.0"}
    assert openai("<2", "3.54") == {"1.40.8", "3.54.0"}
    assert {c.generation for c in select(MATRIX, {"httpx": ["httpx2"]})} == {"httpx2"}
    assert [c.value("aiohttp") for c in select(MATRIX, {"aiohttp": ["3.14.5"]})] == ["3.14.5", "3.14.5"]
    assert len(select(MATRIX, {"aiohttp": ["none"]})) == len(MATRIX) - 2


@pytest.mark.parametrize(
    ("key", "value", "there"),
    [
        ("python", "3.1", "3.9, 3.10, 3.13, 3.12"),
        ("openai", "3.5", "1.40.8, 2.54.0, 3.0.0, 3.54.0"),
        ("openai", "newest", "1.40.8, 2.54.0, 3.0.0, 3.54.0"),
        ("httpx", "htpx2", "httpx==0.27.2, httpx==0.28.1, httpx2==2.16.2, httpx2==2.12.0"),
        ("anthropic", "2.12.0", "none"),
        ("loop", "trio", "asyncio"),
    ],
)
def test_a_value_that_is_not_there_is_an_error_that_says_what_is(key: str, value: str, there: str) -> None:
    with pytest.raises(MatrixError) as caught:
        select(MATRIX, {key: [value]})
    message, _, command = str(caught.value).partition("; to run it anyway: ")
    assert message == f"{key} {value!r} is not in the matrix; choose from {there}"
    assert command in ("", f"python -m diagnostics repro --vary {key}={value}")
    assert bool(command) == (key != "python" and value[0].isdigit())


def test_an_unknown_filter_is_an_error_that_says_what_is() -> None:
    with pytest.raises(MatrixError) as caught:
        select(MATRIX, {"opnai": []})
    assert str(caught.value) == f"there is no filter 'opnai'; there are {', '.join(FILTERS)}"


@given(st.sets(st.sampled_from(sorted(PYTHONS))), st.sets(st.sampled_from(MATRIX)))
def test_what_cannot_be_does_not_stand_for_its_generation_unless_all_of_it_cannot(
    available: set[str], unsatisfiable: set[Combination]
) -> None:
    chosen = default_selection(MATRIX, available, unsatisfiable)
    assert {(c.python, c.generation) for c in chosen} == {(c.python, c.generation) for c in MATRIX}
    newest = max(available, key=lambda version: int(version[2:]), default=None)
    for combination in {c for c in chosen if c.python != newest and c.value("aiohttp") is None} & unsatisfiable:
        alike = [c for c in MATRIX if (c.python, c.generation) == (combination.python, combination.generation)]
        assert set(alike) <= unsatisfiable


@given(st.sets(st.sampled_from(sorted(PYTHONS))))
def test_the_default_is_all_of_the_newest_python_two_of_every_other_and_what_has_extras(available: set[str]) -> None:
    newest = max(available, key=lambda version: int(version[2:]), default=None)
    chosen = default_selection(MATRIX, available)
    assert chosen == [c for c in MATRIX if c in chosen]
    for python in PYTHONS:
        own = [c for c in chosen if c.python == python]
        if python == newest:
            assert own == [c for c in MATRIX if c.python == python]
        else:
            assert [(c.value("openai"), c.value("httpx"), c.value("aiohttp")) for c in own] == [
                ("2.54.0", "httpx==0.28.1", None),
                ("3.54.0", "httpx2==2.16.2", None),
                *[("3.54.0", "httpx2==2.16.2", "3.14.5")] * (python in ("3.12", "3.13")),
            ]


names = st.lists(st.text(min_size=1)).map(tuple)
numbers = st.integers(min_value=1)


@given(
    st.builds(
        RunRequest,
        provider=names,
        openai=names,
        trials=st.none() | numbers,
        runs=numbers,
        cold=st.booleans(),
        timeout=st.floats(min_value=1, allow_nan=False, allow_infinity=False) | numbers,
        as_of=st.none() | st.just("2025-10-10"),
    )
)
def test_what_was_asked_for_can_be_kept(asked: RunRequest) -> None:
    kept = json.loads(json.dumps(encode(asked)))
    assert decode(RunRequest, kept | {"of_a_later_version": 1}) == asked


def test_what_was_asked_for_as_it_is_typed() -> None:
    asked = RunRequest(openai=("3", "<2"), trials=2, cold=True, as_of="2025-10-10")
    assert asked.options == ["--openai", "3", "--openai", "<2", "--trials", "2", "--cold", "--as-of", "2025-10-10"]
    assert RunRequest().options == []


@pytest.mark.parametrize("wrong", [{"openai": "3"}, {"openai": [3]}, {"runs": True}, {"cold": 1}, {"matrix": ["x"]}])
def test_what_no_run_keeps_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))}.*: expected "):
        decode(RunRequest, wrong)
