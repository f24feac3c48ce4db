"""Work that does not move the moment at which the collector starts."""

from __future__ import annotations

import gc

import pytest

from diagnostics.sanitizer.capture.gc_neutral import gc_neutral

KEPT = 200


def growth(work: object) -> int:
    """By how much the collector's count of young objects grew."""
    assert callable(work)
    gc.collect()
    gc.disable()
    try:
        before = gc.get_count()[0]
        work()
        return gc.get_count()[0] - before
    finally:
        gc.enable()


def test_what_stays_is_made_up_for() -> None:
    kept: list[list[int]] = []

    def keep() -> None:
        kept.extend([] for _ in range(KEPT))

    assert growth(keep) >= KEPT - 100  # some lists are made from the free list, which the collector does not count
    assert abs(growth(gc_neutral(keep))) <= 5


@pytest.mark.parametrize("on", [True, False])
def test_the_collector_is_held_and_is_then_as_it_was(on: bool) -> None:
    seen = []

    @gc_neutral
    def work() -> None:
        seen.append(gc.isenabled())
        raise ValueError("on purpose")

    was = gc.isenabled()
    try:
        gc.enable() if on else gc.disable()
        with pytest.raises(ValueError, match="on purpose"):
            work()
        assert gc.isenabled() is on
    finally:
        gc.enable() if was else gc.disable()
    assert seen == [False]


def test_it_gives_back_what_the_work_gives() -> None:
    assert gc_neutral(lambda a, *, b: (a, b))(1, b=2) == (1, 2)
