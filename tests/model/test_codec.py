"""Any record of plain fields survives JSON; what is missing or wrong is named in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.model.codec import IN_FULL, INLINE, LOCAL, NAMED, RecordError, decode, encode
from diagnostics.model.field_types import Json, Signed, Text, Version, Word


@dataclass(frozen=True)
class Part:
    name: Word
    size: float = 1.5


@dataclass(frozen=True)
class Whole:
    SCHEMA: ClassVar[str] = "test/2"
    DERIVED: ClassVar[tuple[str, ...]] = ("total",)

    place: Part = field(metadata=NAMED)
    inner: Part = field(metadata=INLINE)
    parts: tuple[Part, ...] = ()
    by_name: Mapping[Word, tuple[Version | None, int]] = field(default_factory=dict)
    status: Signed | None = None
    always: Part = field(default=Part("x"), metadata=IN_FULL)
    anything: Json = None
    note: Text | None = None
    label: Text = field(default="", metadata=LOCAL)

    @property
    def total(self) -> float:
        return sum(part.size for part in self.parts)


PLACE = Part("here")
GOOD = encode(Whole(PLACE, Part("inner", 2.0), (Part("a"),)))

sizes = st.floats(0, 1e9)
parts = st.builds(Part, st.text(max_size=5), sizes)
values = st.recursive(st.none() | st.booleans() | st.text(max_size=3), st.lists)
wholes = st.builds(
    Whole,
    st.just(PLACE),
    parts,
    st.lists(parts, max_size=3).map(tuple),
    st.dictionaries(st.text(max_size=3), st.tuples(st.none() | st.text(max_size=3), st.integers(0, 9)), max_size=2),
    st.none() | st.integers(-9, 9),
    parts,
    values,
    st.none() | st.text(max_size=3),
)


@given(wholes, st.booleans())
def test_a_record_survives_json(record: Whole, compact: bool) -> None:
    data = json.loads(json.dumps(encode(record, compact=compact)))
    assert data["total"] == record.total
    assert "label" not in data
    assert data["place"] == "here"
    assert set(data["always"]) == {"name", "size"}
    assert decode(Whole, {**data, "of a later version": 1}, {"here": PLACE}) == record


def test_a_compact_record_has_no_defaults() -> None:
    record = Whole(PLACE, Part("inner"))
    assert list(encode(record, compact=True)) == ["schema", "place", "name", "always", "total"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "test/1"}, "the record: expected schema test/2, not 'test/1'"),
        ({"place": "there"}, "place: 'there' is not known"),
        ({"size": -1}, "size: expected a number of at least 0, not -1"),
        ({"size": float("nan")}, "size: expected a number of at least 0, not nan"),
        ({"size": True}, "size: expected a number of at least 0, not True"),
        ({"parts": 3}, "parts: expected a list, not 3"),
        ({"parts": [{"name": "a"}, {"name": 1}]}, "parts[1].name: expected a string, not 1"),
        ({"parts": [{}]}, "parts[0].name is missing"),
        ({"by_name": {"x": ["1", 2, 3]}}, "by_name.x: expected a list of 2, not ['1', 2, 3]"),
        ({"by_name": {"x": ["1", "2"]}}, "by_name.x[1]: expected an integer of at least 0, not '2'"),
        ({"status": 1.5}, "status: expected an integer, not 1.5"),
        ({"note": 5}, "note: expected a string, not 5"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as caught:
        decode(Whole, {**GOOD, **changes}, {"here": PLACE})
    assert str(caught.value) == message
