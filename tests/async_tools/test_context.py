"""Context variables go in with the call and come out with its end."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest

from diagnostics.async_tools import run_sync

word = contextvars.ContextVar("word", default="nothing")


async def change(to: str) -> str:
    seen = word.get()
    await asyncio.sleep(0)
    word.set(to)
    return seen


def in_context(test: object) -> None:
    assert callable(test)
    contextvars.copy_context().run(test)


def test_variables_go_in_and_out() -> None:
    def test() -> None:
        word.set("outside")
        assert run_sync(change("inside")) == "outside"
        assert word.get() == "inside"
        assert run_sync(change("again")) == "inside"

    in_context(test)


def test_what_the_first_step_sets_comes_out_and_is_seen_by_the_next() -> None:
    async def set_and_look() -> str:
        word.set("first step")
        await asyncio.sleep(0)
        return word.get()

    def test() -> None:
        assert run_sync(set_and_look()) == "first step"
        assert word.get() == "first step"

    in_context(test)


def test_a_variable_that_the_caller_never_set_comes_out() -> None:
    fresh: contextvars.ContextVar[int] = contextvars.ContextVar("fresh")

    async def set_it() -> None:
        fresh.set(1)

    def test() -> None:
        run_sync(set_it())
        assert fresh.get() == 1

    in_context(test)


def test_variables_come_out_of_a_coroutine_that_fails() -> None:
    async def set_and_fail() -> None:
        word.set("before the error")
        raise ValueError("x")

    def test() -> None:
        with pytest.raises(ValueError, match="x"):
            run_sync(set_and_fail())
        assert word.get() == "before the error"

    in_context(test)


def test_what_a_task_of_the_coroutine_sets_stays_there() -> None:
    async def start_task() -> None:
        await asyncio.create_task(change("in a task"))

    def test() -> None:
        word.set("outside")
        run_sync(start_task())
        assert word.get() == "outside"

    in_context(test)


def test_an_awaitable_leaves_the_callers_variables_alone() -> None:
    async def caller() -> tuple[str, str]:
        word.set("outside")
        return await run_sync(change("inside"), inside_loop="await"), word.get()

    assert asyncio.run(caller()) == ("outside", "outside")


def test_every_thread_has_its_own() -> None:
    def call(number: int) -> tuple[str, str]:
        word.set(f"outside {number}")
        return run_sync(change(f"inside {number}")), word.get()

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: contextvars.Context().run(call, number), range(50)))
    assert found == [(f"outside {number}", f"inside {number}") for number in range(50)]
