"""Wilson's interval keeps its laws, whatever was counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.view.interval import in_words, wilson

shares = st.integers(0, 10_000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@given(shares)
def test_it_lies_within_0_and_1_and_holds_the_share(share: tuple[int, int]) -> None:
    hits, trials = share
    low, high = wilson(hits, trials)

    assert 0 <= low <= high <= 1
    if trials:
        assert low <= hits / trials <= high


@given(shares)
def test_it_is_its_own_mirror(share: tuple[int, int]) -> None:
    hits, trials = share
    low, high = wilson(hits, trials)
    mirrored_low, mirrored_high = wilson(trials - hits, trials)

    assert low == pytest.approx(1 - mirrored_high)
    assert high == pytest.approx(1 - mirrored_low)


@given(shares.filter(lambda share: share[1] > 0), st.integers(2, 50))
def test_more_trials_of_the_same_share_make_it_narrower(share: tuple[int, int], times: int) -> None:
    hits, trials = share
    low, high = wilson(hits, trials)
    narrow_low, narrow_high = wilson(hits * times, trials * times)

    assert narrow_high - narrow_low < high - low


@given(st.integers(1, 1000).flatmap(lambda trials: st.tuples(st.integers(0, trials - 1), st.just(trials))))
def test_one_hit_more_moves_both_ends_up(share: tuple[int, int]) -> None:
    hits, trials = share

    assert all(after > before for before, after in zip(wilson(hits, trials), wilson(hits + 1, trials), strict=True))


def test_known_values() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert [round(end, 4) for end in wilson(3, 3)] == [0.4385, 1.0]
    assert [round(end, 4) for end in wilson(5, 10)] == [0.2366, 0.7634]
    assert in_words(3, 3) == "3 of 3 (44 to 100 %)"


@pytest.mark.parametrize(("hits", "trials"), [(1, 0), (-1, 3), (4, 3)])
def test_what_is_no_share_is_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(hits, trials)
