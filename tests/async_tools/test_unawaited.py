"""The result of `run_sync` inside a running loop, taken for something else than an awaitable."""

from __future__ import annotations

import asyncio
import gc
import operator
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.async_tools import run_sync, to_sync
from tests.async_tools.parts import echo

if TYPE_CHECKING:
    from collections.abc import Callable

CURE = 'write `await run_sync\\(...\\)`, or pass inside_loop="block"'


@pytest.mark.parametrize(
    "misuse",
    [
        lambda result: result.output_text,
        lambda result: setattr(result, "x", 1),
        lambda result: result["x"],
        lambda result: result + 1,
        lambda result: 1 + result,
        lambda result: result == 1,
        lambda result: result < 1,
        lambda result: f"{result}",
        str,
        int,
        len,
        bool,
        list,
        lambda result: result(),
        lambda result: 1 in result,
        operator.index,
    ],
)
def test_any_use_but_await_says_what_to_write(misuse: Callable[[Any], object]) -> None:
    async def caller() -> int:
        result: Any = run_sync(echo(1))
        with pytest.raises(TypeError, match=CURE):
            misuse(result)
        return await result  # type: ignore[no-any-return]

    assert asyncio.run(caller()) == 1


def test_it_is_an_awaitable_for_asyncio() -> None:
    async def caller() -> tuple[list[int], int]:
        both: Any = run_sync(echo(1)), run_sync(echo(2))
        third: Any = run_sync(echo(3))
        return await asyncio.gather(*both), await asyncio.wait_for(third, 10)

    assert asyncio.run(caller()) == ([1, 2], 3)


def test_its_repr_is_for_people() -> None:
    async def caller() -> str:
        result: Any = run_sync(echo(1))
        text = repr(result)
        await result
        return text

    assert asyncio.run(caller()).startswith("<the result of run_sync(echo), not awaited yet: ")


def test_one_that_is_never_awaited_warns() -> None:
    async def caller() -> None:
        run_sync(echo(1))
        gc.collect()

    with pytest.warns(RuntimeWarning, match=r"the result of run_sync\(echo\) was never awaited: a loop is running"):
        asyncio.run(caller())


def test_to_sync_takes_arguments_as_a_decorator() -> None:
    @to_sync(inside_loop="block", timeout=10)
    async def block(number: int) -> int:
        return number

    @to_sync(inside_loop="await")
    async def wait(number: int) -> int:
        return number

    async def caller() -> tuple[int, int]:
        return block(1), await wait(2)

    assert asyncio.run(caller()) == (1, 2)
    assert block(3) == 3
