"""The simulation of large runs keeps to what must be so, whatever the steps cost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.parts.scale import Costs, simulate

NOTHING = Costs(trial=1.0, warm=0.0, build=0.0, order=0.0, line=0.0, flush=0.0)
seconds = st.floats(0.001, 2)


@settings(max_examples=25)
@given(st.builds(Costs, seconds, seconds, seconds, seconds, seconds, seconds), st.integers(1, 20))
def test_no_run_is_faster_than_its_trials_or_than_its_caller(costs: Costs, hands: int) -> None:
    found = simulate(costs, environments=3, cells=20, hands=hands, lost_every=1e12)
    orders = 3 * (1 + 3)
    assert found.seconds >= 60 * costs.trial / hands * 0.999
    assert found.seconds >= (orders * costs.order + 60 * costs.line) * 0.999
    assert 0 < found.playing <= 1.001
    assert 0 < found.caller <= 1.001
    assert found.lost == 0


def test_where_nothing_else_costs_anything_every_hand_plays_all_the_time() -> None:
    found = simulate(NOTHING, environments=4, cells=16, hands=4, lost_every=1e12)
    assert (found.seconds, found.playing, found.caller) == (16.0, 1.0, 0.0)


def test_what_is_lost_is_played_again() -> None:
    found = simulate(NOTHING, environments=4, cells=64, hands=4, lost_every=40.0)
    assert found.lost > 0
    assert found.seconds > 64
    assert found.playing < 1
