import subprocess
import sys
from itertools import permutations, product
from math import prod
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from diagnostics.lab.combination import AXES, MatrixError, predicate
from diagnostics.lab.matrix import expand, sessions
from diagnostics.lab.matrix_file import load_matrix

Table = dict[str, Any]

ENTRIES = {
    "python": ["3.10", "3.11", "3.12", "3.13"],
    "openai": ["1.40.8", "2.0.0", "3.0.0", "3.54.0"],
    "httpx": ["httpx==0.27.2", "httpx==0.28.1", "httpx2==2.12.0", "httpx2==2.16.2"],
    "anthropic": ["0.125.0", "2.12.0"],
    "google-genai": ["2.34.0", "3.4.0"],
}
RULE_VALUES = {
    "python": ["3.10", ">=3.12"],
    "openai": ["<3", "3.54.0", ">=2,<3.1"],
    "httpx": ["httpx", "httpx2", "httpx2>=2.13"],
    "anthropic": ["<1"],
    "google-genai": [">=3"],
}


@st.composite
def axes(draw: st.DrawFn) -> Table:
    return {
        axis: draw(st.lists(st.sampled_from(entries), unique=True, min_size=1 if axis == "python" else 0))
        for axis, entries in ENTRIES.items()
    }


@st.composite
def tables(draw: st.DrawFn) -> Table:
    table = draw(axes())
    rule = st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in RULE_VALUES.items()})
    full = expand(table)
    table["exclude"] = [
        wanted
        for wanted in draw(st.lists(rule.filter(bool), max_size=3))
        if any(all(predicate(key, text)(c) for key, text in wanted.items()) for c in full)
    ]
    return table


@given(axes())
def test_the_product_has_one_combination_for_each_choice_of_entries(table: Table) -> None:
    result = expand(table)
    assert len(result) == len(set(result)) == prod(len(entries) or 1 for entries in table.values())
    for combination in result:
        assert all(combination.value(axis) in (table[axis] or [None]) for axis in AXES)


@given(axes())
def test_the_order_is_that_of_the_table(table: Table) -> None:
    wanted = product(*(table[axis] or [None] for axis in AXES))
    assert [tuple(c.value(axis) for axis in AXES) for c in expand(table)] == list(wanted)


@given(tables())
def test_exactly_what_a_rule_matches_is_gone(table: Table) -> None:
    def excluded(combination: Any) -> bool:
        return any(all(predicate(k, v)(combination) for k, v in rule.items()) for rule in table["exclude"])

    assert expand(table) == [c for c in expand(table | {"exclude": []}) if not excluded(c)]


@given(tables())
def test_rules_may_come_in_any_order_and_twice(table: Table) -> None:
    once = expand(table)
    for rules in permutations(table["exclude"]):
        assert expand(table | {"exclude": [*rules, *rules[:1]]}) == once


@given(tables(), st.data())
def test_include_adds_at_the_end_what_was_not_there(table: Table, data: st.DataObject) -> None:
    before = expand(table)
    entry = {
        axis: data.draw(st.sampled_from(entries))
        for axis, entries in ENTRIES.items()
        if axis == "python" or data.draw(st.booleans())
    }
    if data.draw(st.booleans()):
        entry["aiohttp"] = "3.14.5"
    table["include"] = [entry]
    if any(all(c.value(key) == entry.get(key) for key in (*AXES, "aiohttp")) for c in before):
        with pytest.raises(MatrixError, match="is already in the matrix"):
            expand(table)
    else:
        *kept, added = expand(table)
        assert kept == before
        assert {key: added.value(key) for key in entry} == entry
        assert len(added.packages) == len(entry) - 1


@given(tables())
def test_every_combination_has_a_session_of_its_own(table: Table) -> None:
    combinations = expand(table)
    assert list(sessions(combinations).values()) == combinations


@given(tables())
def test_a_session_is_named_like_a_call(table: Table) -> None:
    for name, combination in sessions(expand(table)).items():
        values = eval(name, {"repro": dict})
        assert values["python"] == combination.python
        assert all(combination.value(key.replace("_", "-")) == value for key, value in values.items())


@given(axes(), st.data())
def test_a_rule_that_matches_nothing_is_an_error(table: Table, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(["openai", "httpx"]))
    missing = [entry for entry in ENTRIES[key] if entry not in table[key]]
    assume(missing)
    rule = {"python": table["python"][0], key: data.draw(st.sampled_from(missing))}
    with pytest.raises(MatrixError, match="matches no combination"):
        expand(table | {"exclude": [rule]})


BASE: Table = {"python": ["3.13"], "openai": ["2.0.0", "3.0.0"]}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"pythons": []}, "the matrix has the unknown key 'pythons'; known are python, openai, httpx, anthropic, goog"),
        ({"python": []}, 'the matrix has no python; add for example python = ["3.13"]'),
        ({"python": "3.13"}, "python is not a list of strings, but '3.13'"),
        ({"python": [3.13]}, "python entry 3.13 is not a string"),
        ({"openai": ["3.x"]}, "openai entry '3.x' is not a version"),
        ({"openai": ["3.0.0", "3.0.0"]}, "openai entry '3.0.0' is listed twice"),
        ({"httpx": ["0.28.1"]}, "httpx entry '0.28.1' is not httpx==<version> or httpx2==<version>"),
        ({"httpx": ["httpx3==1.0"]}, "httpx entry 'httpx3==1.0' is not"),
        ({"httpx": ["httpx==new"]}, "httpx entry 'httpx==new' is not a version"),
        ({"exclude": [{"opnai": "<3"}]}, "exclude { opnai = \"<3\" } has the unknown key 'opnai'; known are python,"),
        ({"exclude": [{"openai": "<"}]}, "openai '<' is neither a version nor a PEP 440 specifier"),
        ({"exclude": [{"openai": 3}]}, 'exclude { openai = "3" }: openai is not a string'),
        ({"exclude": [{"openai": "<2"}]}, 'exclude { openai = "<2" } matches no combination; correct or remove it'),
        ({"exclude": [{}]}, "exclude is not a list of tables"),
        ({"exclude": {"openai": "<2"}}, "exclude is not a list of tables"),
        (
            {"include": [{"openai": "3.0.0"}]},
            'include { openai = "3.0.0" } has no python; add for example python = "3.13"',
        ),
        ({"include": [{"python": "3.13", "trio": "1"}]}, "has the unknown key 'trio'; known are python, openai"),
        ({"include": [{"python": "3.13", "openai": "3.0.0"}]}, "is already in the matrix; remove the entry"),
        ({"include": [{"python": "3.13", "loop": "trio"}]}, "loop 'trio' is not known; there are asyncio, uvloop"),
        ({"include": [{"python": "3.13", "loop": "uvloop"}]}, 'uses the uvloop loop; add uvloop = "<version>"'),
    ],
)
def test_a_mistake_is_one_line_that_names_it(change: Table, error: str) -> None:
    with pytest.raises(MatrixError) as caught:
        expand(BASE | change)
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_entry_has_one_spelling() -> None:
    table = {"python": ["3.10"], "httpx": [" httpx2 == 2.16.2"], "openai": ["3.0.0-rc.1"]}
    (combination,) = expand(table)
    assert combination.python == "3.10"
    assert combination.packages == (("openai", "3.0.0rc1"), ("httpx2", "2.16.2"))


def test_extras_come_into_the_environment_and_its_names() -> None:
    (_, _, added) = expand(BASE | {"include": [{"python": "3.13", "uvloop": "0.23.0", "loop": "uvloop"}]})
    assert added.packages == (("uvloop", "0.23.0"),)
    assert added.slug == "py3.13_uvloop-0.23.0_loop-uvloop"
    assert list(sessions([added])) == ["repro(python='3.13', uvloop='0.23.0', loop='uvloop')"]


def test_the_default_matrix_covers_what_it_promises() -> None:
    combinations = load_matrix()
    assert {c.python for c in combinations} == {"3.10", "3.11", "3.12", "3.13", "3.14", "3.15"}
    openai = {version for c in combinations if (version := c.value("openai")) is not None}
    assert len(openai) >= 5
    assert {version.partition(".")[0] for version in openai} == {"1", "2", "3"}
    for generation in ("httpx", "httpx2"):
        own = [c for c in combinations if c.generation == generation and c.value("openai") is not None]
        assert len({c.value("httpx") for c in own}) == 2
        assert all(c.value("anthropic") and c.value("google-genai") for c in own)
        assert [c.python for c in own if c.value("aiohttp")] == ["3.13"]


def test_the_noxfile_can_import_the_matrix_before_anything_is_installed() -> None:
    code = "import sys, diagnostics.lab.matrix; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    foreign = {name for name in loaded if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert foreign - _brought_by_an_empty_interpreter() == {"diagnostics", "packaging"}


def _brought_by_an_empty_interpreter() -> set[str]:
    code = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())
