"""What `run_sync` returns inside a running loop where its caller has not chosen: it must be awaited, and says so."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Generator
from typing import Any, Generic

from diagnostics.async_tools.state import T

_CURE = 'a loop is running here, so write `await run_sync(...)`, or pass inside_loop="block"'


class _Unawaited(Generic[T]):
    """An awaitable result. Code that takes it for the result itself gets a TypeError with the cure."""

    def __init__(self, result: Awaitable[T], name: str) -> None:
        self.__dict__.update(_result=result, _name=name, _awaited=False)

    def __await__(self) -> Generator[Any, None, T]:
        self.__dict__["_awaited"] = True
        return self.__dict__["_result"].__await__()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"<the result of {self.__dict__['_name']}, not awaited yet: {_CURE}>"

    def __getattr__(self, name: str) -> Any:
        raise TypeError(f"{name!r} of a result that is not there yet: {_CURE}")

    def __del__(self) -> None:
        if not self.__dict__.get("_awaited", True):
            text = f"the result of {self.__dict__['_name']} was never awaited: {_CURE}"
            warnings.warn(text, RuntimeWarning, stacklevel=2, source=self)

    __hash__ = object.__hash__


def _refuse(name: str) -> Any:
    def operation(self: object, *_: object) -> Any:  # noqa: ARG001 - of every operator
        raise TypeError(f"{name} of a result that is not there yet: {_CURE}")

    return operation


_OPERATORS = (
    "add and bool call contains delitem enter eq exit float floordiv format ge getitem gt index int invert iter le len "
    "lt matmul mod mul ne neg next or pos pow radd rmul rsub rtruediv setattr setitem str sub truediv xor"
)
for _operator in _OPERATORS.split():
    setattr(_Unawaited, f"__{_operator}__", _refuse(f"__{_operator}__"))
