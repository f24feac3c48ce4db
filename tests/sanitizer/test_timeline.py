"""The log of events: what is written, in which order, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from diagnostics import sanitizer
from diagnostics.model.codec import decode
from diagnostics.model.event import Event
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.output.timeline import TimelineWriter


@pytest.fixture
def events(tmp_path: Path) -> Iterator[Callable[[], list[Event]]]:
    """Watches; what is returned stops the log and reads it."""
    file = tmp_path / "k.events.jsonl"
    sanitizer.install()
    timeline = TimelineWriter(str(file))

    def read() -> list[Event]:
        timeline.stop()
        lines = file.read_text(encoding="utf-8").splitlines()
        return sorted((decode(Event, json.loads(line)) for line in lines), key=lambda event: event.number)

    yield read
    timeline.stop()
    sanitizer.uninstall()


def told(found: list[Event], subject: str = "L1") -> list[str]:
    return [event.what for event in found if event.subject == subject]


async def nothing() -> None:
    await asyncio.sleep(0)


def test_a_loop_closed_by_asyncio_run(events: Callable[[], list[Event]]) -> None:
    asyncio.run(nothing())

    found = events()

    lives = [event for event in found if event.subject == "L1" and not event.detail]
    assert [event.what for event in lives] == ["created", "entered", "left", "closed"]
    closed = lives[-1]
    assert closed.by is not None
    assert closed.by.file == "asyncio/runners.py"
    assert closed.site is not None
    assert closed.site.file == "sanitizer/test_timeline.py"
    assert [event.number for event in found] == list(range(1, len(found) + 1))


def test_a_loop_that_is_run_twice(events: Callable[[], list[Event]]) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(nothing())
    loop.run_until_complete(nothing())
    loop.close()

    found = events()

    assert told(found)[:6] == ["created", "entered", "left", "entered", "left", "closed"]
    made = found[0]
    assert made.by is not None
    assert made.by.function.endswith("test_a_loop_that_is_run_twice")


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_loop_that_only_the_collector_closes(events: Callable[[], list[Event]]) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(nothing())
    itself = [loop]
    itself.append(itself)  # type: ignore[arg-type]
    del loop, itself
    gc.collect()

    found = events()

    closed = next(event for event in found if event.what == "closed")
    assert closed.by is not None
    assert closed.by.function.endswith("__del__")
    assert closed.by.file == "asyncio/base_events.py"
    assert any(event.subject == "GC" and event.detail == "generation 2" for event in found)


def test_two_threads_of_one_name_are_told_apart(events: Callable[[], list[Event]]) -> None:
    both_alive = threading.Barrier(2)

    def run() -> None:
        asyncio.run(nothing())
        both_alive.wait()

    threads = [threading.Thread(target=run, name="worker") for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = events()

    assert {event.thread for event in found if event.what == "entered"} == {"worker", "worker (2)"}
    assert all(event.at is not None and event.at >= 0 for event in found)


def test_stacks_are_written_where_a_timeline_is_kept_and_each_once(tmp_path: Path) -> None:
    file = tmp_path / "k.events.jsonl"
    sanitizer.install()
    timeline = TimelineWriter(str(file), whole=True)
    for _ in range(2):
        asyncio.run(nothing())
    timeline.stop()
    sanitizer.uninstall()

    found = {
        event.number: event for event in (decode(Event, json.loads(line)) for line in file.read_text().splitlines())
    }

    first, second = [event for event in found.values() if event.what == "closed"]
    assert first.stack[-1].file.endswith(".py")
    assert any(frame.function.endswith("Runner.close") or frame.function == "run" for frame in first.stack)
    assert second.stack == ()
    assert second.same_stack == first.number


def test_without_a_timeline_there_are_no_stacks(events: Callable[[], list[Event]]) -> None:
    asyncio.run(nothing())
    assert all(event.stack == () and event.same_stack is None for event in events())


def test_nothing_stays(tmp_path: Path) -> None:
    close, turn = asyncio.BaseEventLoop.close, vars(asyncio.BaseEventLoop)["_set_coroutine_origin_tracking"]
    callbacks, before = list(gc.callbacks), TRACKER.instruments._active

    sanitizer.install()
    timeline = TimelineWriter(str(tmp_path / "events"))
    timeline.stop()
    timeline.stop()  # the second does nothing
    sanitizer.uninstall()

    assert asyncio.BaseEventLoop.close is close
    assert vars(asyncio.BaseEventLoop)["_set_coroutine_origin_tracking"] is turn
    assert TRACKER.instruments._active == before
    assert gc.callbacks == callbacks
