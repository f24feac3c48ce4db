"""The tasks of a loop, as `asyncio.all_tasks` has them."""

from __future__ import annotations

import asyncio

from diagnostics.sanitizer.capture.running import tasks_of


def test_tasks_that_are_not_done_are_found_and_no_others() -> None:
    loop, other = asyncio.new_event_loop(), asyncio.new_event_loop()
    try:
        assert tasks_of(loop) == set()
        task = loop.create_task(asyncio.sleep(0))
        assert tasks_of(loop) == asyncio.all_tasks(loop) == {task}
        assert tasks_of(other) == set()
        loop.run_until_complete(task)
        assert tasks_of(loop) == set()
    finally:
        loop.close()
        other.close()
