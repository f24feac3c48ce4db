from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.lab.server import Faults

statuses = st.lists(st.just(200) | st.integers(400, 599), max_size=5).map(tuple)


@given(st.integers(0, 5), statuses, st.integers(0, 5))
def test_resets_come_first_then_statuses_then_answers(reset: int, status: tuple[int, ...], half_close: int) -> None:
    faults = Faults(reset=reset, status=status, half_close=half_close)
    rest = range(reset, 20)
    assert [faults.resets(number) for number in range(20)] == [True] * reset + [False] * (20 - reset)
    assert [faults.status_of(number) for number in rest] == [*status, *[200] * 20][: len(rest)]
    assert [number for number in range(20) if faults.half_closes(number)] == list(range(reset, reset + half_close))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"latency": -1.0}, "latency"),
        ({"slow_body": math.nan}, "slow_body"),
        ({"retry_after": math.inf}, "retry_after"),
        ({"reset": -1}, "reset"),
        ({"cut_stream_after": -1}, "cut_stream_after"),
        ({"keepalive_expiry": -0.1}, "keepalive_expiry"),
        ({"status": (204,)}, "204"),
        ({"status": (429, 302)}, "302"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Faults(**wrong)


@given(st.integers(0, 100_000))
def test_retry_headers_never_ask_for_less_than_was_planned(milliseconds: int) -> None:
    headers = {name: float(value) for name, value in Faults(retry_after=milliseconds / 1000).retry_headers()}
    assert milliseconds <= headers[b"retry-after"] * 1000 < milliseconds + 1000
    assert milliseconds <= headers[b"retry-after-ms"] <= milliseconds + 1
