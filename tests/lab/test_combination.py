import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.lab.combination import Combination, MatrixError, predicate

numbers = st.integers(0, 30)
versions = st.lists(numbers, min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=4).map("p".__add__)
combinations = st.builds(
    Combination,
    python=versions,
    packages=st.lists(st.tuples(names | st.just("a-b"), versions), max_size=3, unique_by=lambda pair: pair[0]).map(
        tuple
    ),
    loop=st.sampled_from(["asyncio", "uvloop"]),
)


@given(combinations, combinations)
def test_a_slug_names_one_combination_only(one: Combination, other: Combination) -> None:
    assert (one.slug == other.slug) == (one == other)


@given(combinations)
def test_a_slug_is_safe_as_a_file_name(combination: Combination) -> None:
    assert set(combination.slug) <= set(string.ascii_lowercase + string.digits + "._-")


@given(versions, versions)
def test_a_prefix_is_whole_numbers_from_the_left(wanted: str, version: str) -> None:
    holds = predicate("openai", wanted, prefix=True)(Combination("3.13", (("openai", version),)))
    parts, start = version.split("."), wanted.split(".")
    # 3 and 3.0.0 are the same version: what is missing counts as 0.
    assert holds == ((parts + ["0"] * 3)[: len(start)] == start)


@pytest.mark.parametrize(
    ("key", "text", "holds"),
    [
        ("python", "3.13", True),
        ("python", "3.1", False),
        ("python", ">=3.11", True),
        ("openai", "3", False),
        ("openai", "3.54", True),
        ("openai", ">=3,<3.54", False),
        ("httpx", "httpx2", True),
        ("httpx", "httpx", False),
        ("httpx", "httpx2==2.16.2", True),
        ("httpx", "httpx2<2.16", False),
        ("httpx", "httpx==2.16.2", False),
        ("httpx", "2.16.2", True),
        ("anthropic", ">=0", False),
        ("loop", "asyncio", True),
        ("loop", "uvloop", False),
    ],
)
def test_what_a_rule_says(key: str, text: str, holds: bool) -> None:
    combination = Combination("3.13", (("openai", "3.54.0"), ("httpx2", "2.16.2")))
    assert predicate(key, text)(combination) is holds


@pytest.mark.parametrize(
    ("key", "text", "error"),
    [
        ("openai", "newest", "openai 'newest' is neither a version nor a PEP 440 specifier"),
        ("openai", "==", "openai '==' is neither"),
        ("httpx", "httpx3", "httpx 'httpx3' is not a requirement on httpx or httpx2"),
        ("httpx", "httpx2[http2]", "not a requirement"),
        ("httpx", "httpx2 ==", "not a requirement"),
        ("loop", "trio", "loop 'trio' is not known; there are asyncio, uvloop"),
    ],
)
def test_what_no_rule_can_say(key: str, text: str, error: str) -> None:
    with pytest.raises(MatrixError) as caught:
        predicate(key, text)
    assert error in str(caught.value)


def test_a_prerelease_fits_a_specifier_and_its_prefix() -> None:
    combination = Combination("3.15", (("openai", "3.0.0rc1"),))
    assert predicate("openai", ">=2")(combination)
    assert predicate("openai", "3", prefix=True)(combination)
    assert not predicate("openai", "3.0.0")(combination)
