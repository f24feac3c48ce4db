"""Records survive the way through a file, and refuse what is not a record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.codec import RecordError, decode, encode
from diagnostics.model.trial import Trial

_FIELDS = ["key", "environment", "provider", "scenario", "fix", "status"]
_OPTIONAL = [
    *("trial", "mode", "instrumented", "load", "reason", "symptom", "evidence", "findings", "accounting", "redacted"),
    "recovers",
]


def known(trial: Trial) -> dict[str, Environment]:
    return {trial.environment.name: trial.environment}


@given(st.data())
def test_a_trial_survives_json(any_trial: st.SearchStrategy[Trial], data: st.DataObject) -> None:
    trial = data.draw(any_trial)
    line = json.dumps(encode(trial))
    assert "\n" not in line
    assert decode(Trial, json.loads(line), known(trial)) == trial


@given(st.data())
def test_a_trial_lacks_no_field(any_trial: st.SearchStrategy[Trial], data: st.DataObject) -> None:
    trial = data.draw(any_trial)
    record = encode(trial)
    assert sorted(record) == sorted(["schema", *_FIELDS, *_OPTIONAL])
    gone = data.draw(st.sampled_from(_FIELDS))
    del record[gone]
    with pytest.raises(RecordError, match=rf"^{gone}( is missing|: None is not known)$"):
        decode(Trial, record, known(trial))


@given(st.data())
def test_a_compact_trial_leaves_out_what_is_so_by_default_and_never_its_load(
    any_trial: st.SearchStrategy[Trial], data: st.DataObject
) -> None:
    trial = data.draw(any_trial)
    record = encode(trial, compact=True)
    assert set(_FIELDS) <= set(record)
    assert ("findings" in record) == bool(trial.findings)
    assert record["load"] == encode(trial.cell.load)
    assert decode(Trial, record, known(trial)) == trial


@pytest.mark.parametrize("data", [None, [], "x", 3, {}, {"schema": "diagnostics.trial/1"}])
def test_what_is_no_record_is_refused(data: Any) -> None:
    with pytest.raises(RecordError, match=r"^the record: expected (an object|schema diagnostics\.trial/2), not "):
        decode(Trial, data)


@given(st.data())
def test_a_symptom_goes_with_a_trial_that_ran_and_a_reason_with_one_that_did_not(
    any_trial: st.SearchStrategy[Trial], data: st.DataObject
) -> None:
    trial = data.draw(any_trial)
    record = encode(trial)
    other = {"status": "broken"} if record["status"] == "ran" else {"status": "ran"}
    with pytest.raises(RecordError, match="exactly when"):
        decode(Trial, {**record, **other}, known(trial))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "done"),
        ("symptom", "sad"),
        ("findings", [{"kind": "x", "severity": "leak", "count": 1}]),
        ("findings", [{"kind": "cross-loop-use", "severity": "bad", "count": 1}]),
    ],
)
@given(data=st.data())
def test_words_outside_the_vocabulary_are_refused(
    ran: st.SearchStrategy[Trial], field: str, value: Any, data: st.DataObject
) -> None:
    trial = data.draw(ran)
    with pytest.raises(RecordError, match=r"is not one of|unknown finding"):
        decode(Trial, {**encode(trial), field: value}, known(trial))


_cells = st.builds(
    Cell,
    *(st.sampled_from(["a", "b"]) for _ in range(4)),
    st.builds(Load, st.integers(1, 2), st.integers(1, 2), st.integers(1, 2), st.integers(0, 1)),
)
_identities = st.tuples(_cells, st.integers(0, 2), st.sampled_from(["fork", "cold"]), st.booleans())


@given(_identities, _identities)
def test_keys_are_equal_exactly_where_the_trials_are(
    one: tuple[Cell, int, str, bool], other: tuple[Cell, int, str, bool]
) -> None:
    first, second = (
        cell.key(trial, mode=mode, instrumented=instrumented) for cell, trial, mode, instrumented in (one, other)
    )
    assert (first == second) == (one == other)
    assert len(first) == 16
    assert set(first) <= set("0123456789abcdef")


def test_a_key_never_changes() -> None:
    """A stored run can be resumed by a later version only while this holds."""
    cell = Cell("env", "openai", "repeated-run", "none", Load())
    assert cell.key(0, mode="fork", instrumented=False) == "8a9cc2f12b900dde"


@given(_cells)
def test_a_cell_survives_json(cell: Cell) -> None:
    assert decode(Cell, json.loads(json.dumps(encode(cell)))) == cell


@given(st.data())
def test_an_environment_survives_json(any_trial: st.SearchStrategy[Trial], data: st.DataObject) -> None:
    environment = data.draw(any_trial).environment
    assert decode(Environment, json.loads(json.dumps(encode(environment)))) == environment


@pytest.mark.parametrize(("field", "value"), [("runs", 0), ("calls", -1), ("concurrency", 0), ("retries", -1)])
def test_a_load_that_does_nothing_is_refused(field: str, value: int) -> None:
    with pytest.raises(ValueError, match=field):
        Load(**{field: value})
