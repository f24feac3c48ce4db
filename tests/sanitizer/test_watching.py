"""The watch inside a program: on, off, nested, and gone without a trace."""

from __future__ import annotations

import asyncio
import gc
import sys
import weakref
from asyncio.base_events import BaseEventLoop

import pytest

from diagnostics import sanitizer
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.tracker import TRACKER


def use_after_close() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        loop.call_soon(print)
    return loop


def test_the_findings_are_there_when_the_block_ends() -> None:
    with sanitizer.watch() as findings:
        use_after_close()
        assert findings == []
    assert [(finding.kind, finding.count) for finding in findings] == [("use-after-loop-close", 1)]
    assert findings[0].access is not None
    assert findings[0].access.site is not None
    assert findings[0].access.site.function == "use_after_close"
    assert findings[0].access.operation == "loop.call_soon"


def test_a_watch_knows_only_its_own_block() -> None:
    with sanitizer.watch() as first:
        use_after_close()
        with sanitizer.watch() as second:
            pass
        with sanitizer.watch() as third:
            use_after_close()
    assert [len(each) for each in (first, second, third)] == [2, 0, 1]


def test_a_fact_that_is_taken_back_hides_no_later_one() -> None:
    with sanitizer.watch() as first:
        use_after_close()
        with sanitizer.watch() as second:
            RECORDER.facts.pop()
            use_after_close()
    assert [len(each) for each in (first, second)] == [1, 1]


@pytest.mark.skipif(TRACKER.on, reason="this process is instrumented from outside, and stays so")
def test_everything_is_taken_back() -> None:
    before = (BaseEventLoop.__init__, BaseEventLoop.close, list(sys.meta_path), list(gc.callbacks))
    with sanitizer.watch():
        assert BaseEventLoop.close is not before[1]
    assert before == (BaseEventLoop.__init__, BaseEventLoop.close, list(sys.meta_path), list(gc.callbacks))
    assert not TRACKER.on


def test_a_closed_loop_looks_as_it_did() -> None:
    with sanitizer.watch():
        loop = use_after_close()
    plain = asyncio.new_event_loop()
    plain.close()
    assert loop.is_closed() is True
    assert repr(loop) == repr(plain)
    assert isinstance(loop, type(plain))
    assert type(loop).__name__ == type(plain).__name__


def test_no_loop_lives_longer_for_being_watched() -> None:
    with sanitizer.watch():
        loop = asyncio.new_event_loop()
        gone = weakref.ref(loop)
        loop.close()
        del loop
        gc.collect()
        assert gone() is None


def test_the_traceback_of_the_error_has_no_line_of_ours() -> None:
    with sanitizer.watch():
        loop = asyncio.new_event_loop()
        loop.close()
        with pytest.raises(RuntimeError) as caught:
            loop.call_soon(print)
    assert [entry.name for entry in caught.traceback][1:] == ["call_soon", "_check_closed"]


def test_counts_do_not_need_findings() -> None:
    with sanitizer.watch():
        start = {(kind, severity): count for kind, severity, count in sanitizer.count_findings()}
        use_after_close()
        end = {(kind, severity): count for kind, severity, count in sanitizer.count_findings()}
    key = ("use-after-loop-close", "error")
    assert end[key] - start.get(key, 0) == 1
