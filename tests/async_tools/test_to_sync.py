"""`to_sync`: functions, methods and generators keep what they are, but for the waiting."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics import async_tools
from diagnostics.async_tools import SyncIterator, run_sync, to_sync
from tests.async_tools.parts import PATIENCE, echo, here

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import assert_type


@to_sync
async def add(first: int, *, second: int = 2) -> int:
    """Adds."""
    return await echo(first) + second


class Adder:
    def __init__(self, start: int) -> None:
        self.start = start

    @to_sync
    async def method(self, number: int) -> int:
        return await echo(self.start + number)

    @classmethod
    @to_sync
    async def inner_class(cls, number: int) -> str:
        return await echo(f"{cls.__name__} {number}")

    @to_sync
    @classmethod
    async def outer_class(cls, number: int) -> str:
        return await echo(f"{cls.__name__} {number}")

    @staticmethod
    @to_sync
    async def inner_static(number: int) -> int:
        return await echo(number)

    @to_sync
    @staticmethod
    async def outer_static(number: int) -> int:
        return await echo(number)

    @to_sync
    async def items(self) -> AsyncIterator[int]:
        yield await echo(self.start)
        yield await echo(self.start + 1)


def test_it_keeps_name_documentation_and_signature() -> None:
    assert (add(1), add(1, second=3)) == (3, 4)
    assert (add.__name__, add.__doc__) == ("add", "Adds.")
    assert str(inspect.signature(add)) == "(first: 'int', *, second: 'int' = 2) -> 'int'"
    assert not inspect.iscoroutinefunction(add)


def test_it_works_on_methods_of_every_kind_in_either_order() -> None:
    class Child(Adder):
        pass

    child = Child(10)
    assert child.method(1) == Adder.method(child, 1) == 11
    assert [child.inner_class(1), child.outer_class(1), Child.outer_class(1)] == ["Child 1"] * 3  # type: ignore[operator,unused-ignore]
    assert [child.inner_static(1), child.outer_static(1), Adder.outer_static(1)] == [1] * 3
    assert list(child.items()) == [10, 11]


def test_the_types_follow() -> None:
    """Checked by mypy; a wrong one fails there."""

    async def of_two(one: int, other: str) -> list[str]:
        return [other] * one

    async def items(number: int) -> AsyncIterator[int]:
        yield number

    async def inside() -> None:
        awaited = run_sync(of_two(1, "x"), inside_loop="await")
        if TYPE_CHECKING:
            assert_type(awaited, Awaitable[list[str]])
        await awaited

    call = to_sync(of_two)
    each = to_sync(items)
    if TYPE_CHECKING:
        assert_type(run_sync(of_two(1, "x")), list[str])
        assert_type(run_sync(of_two(1, "x"), inside_loop="block"), list[str])
        assert_type(call(1, "x"), list[str])
        call("x", 1)  # type: ignore[arg-type]
        assert_type(each(1), SyncIterator[int])
        assert_type(next(each(1)), int)
    assert call(2, "x") == ["x", "x"]
    asyncio.run(inside())


@to_sync
async def count(to: int, log: list[Any]) -> AsyncIterator[int]:
    try:
        for number in range(to):
            log.append(asyncio.get_running_loop())
            yield await echo(number)
    finally:
        await asyncio.sleep(0)
        log.append("cleaned")
        cleaned.set()


cleaned = threading.Event()


def test_a_generator_is_pulled_on_the_persistent_loop() -> None:
    log: list[Any] = []
    assert list(count(3, log)) == [0, 1, 2]
    assert log == [run_sync(here())] * 3 + ["cleaned"]


def test_closing_runs_the_cleanup() -> None:
    log: list[Any] = []
    numbers = count(3, log)
    assert next(numbers) == 0
    numbers.close()
    assert log[1:] == ["cleaned"]
    assert list(numbers) == []
    numbers.close()


def test_closing_what_never_began_is_nothing() -> None:
    log: list[Any] = []
    count(3, log).close()
    assert log == []


def test_dropping_runs_the_cleanup_too() -> None:
    log: list[Any] = []
    cleaned.clear()
    for number in count(3, log):
        assert number == 0
        break
    gc.collect()
    assert cleaned.wait(PATIENCE)
    assert log[1:] == ["cleaned"]


def test_shutdown_finalises_what_was_dropped_and_what_was_not() -> None:
    dropped, kept = list[Any](), list[Any]()
    numbers = count(3, kept)
    assert (next(count(3, dropped)), next(numbers)) == (0, 0)
    async_tools.shutdown()
    assert dropped[1:] == kept[1:] == ["cleaned"]
    assert list(numbers) == []


def test_an_error_of_the_generator_comes_out_and_ends_it() -> None:
    @to_sync
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise ValueError("x")

    numbers = failing()
    assert next(numbers) == 1
    with pytest.raises(ValueError, match="x"):
        next(numbers)
    assert list(numbers) == []


def test_each_item_has_its_time() -> None:
    async def stalls() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    numbers = to_sync(stalls, timeout=0.05)()
    assert next(numbers) == 1
    with pytest.raises(TimeoutError):
        next(numbers)


def test_inside_another_loop_it_is_iterated_by_async_for() -> None:
    async def caller() -> list[int]:
        with pytest.raises(RuntimeError, match="inside a running event loop"):
            list(count(3, log))
        return [number async for number in count(3, log)]

    log: list[Any] = []
    assert asyncio.run(caller()) == [0, 1, 2]
    assert set(log) == {run_sync(here()), "cleaned"}


def test_an_iterator_that_is_no_generator_is_closed_by_its_aclose() -> None:
    closed: list[bool] = []

    class Numbers:
        def __aiter__(self) -> Numbers:
            return self

        async def __anext__(self) -> int:
            return 1

        async def aclose(self) -> None:
            closed.append(True)

    numbers = to_sync(Numbers)()
    assert next(numbers) == 1
    numbers.close()
    assert closed == [True]
