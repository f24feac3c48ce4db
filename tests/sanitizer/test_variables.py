"""What the variables of a program lead to."""

from __future__ import annotations

from typing import Any

import pytest

from diagnostics.sanitizer.capture.following import Variables
from diagnostics.sanitizer.capture.holders import reaches


class Wanted:
    """What a connection stands for here."""


class Strange:
    """A class may have a property of that name."""

    __module__ = property(lambda self: "strange")

    def __init__(self, inside: Any) -> None:
        self.inside = inside


def behind_function(wanted: Wanted) -> Any:
    return lambda: wanted


def among_data(wanted: Wanted) -> Any:
    return [[[{"number": number} for number in range(300)] for _ in range(300)], [[[[[wanted]]]]]]


def at_the_end(wanted: Wanted) -> Any:
    return [*({"number": number} for number in range(100_000)), wanted]


class Keeper:
    """Keeps it in an attribute of the class."""

    wanted: Any = None

    class Inner:
        wanted: Any = None


class Slotted:
    """Has one slot that holds something, and one that is empty."""

    __slots__ = ("empty", "wanted")
    wanted: Any


kept: list[Any] = []


def keep(build: Any) -> int:
    wanted = Wanted()
    kept.append(build(wanted))
    return id(wanted)


@pytest.mark.parametrize("build", [behind_function, among_data, at_the_end, Strange])
def test_an_object_is_found_wherever_a_variable_leads_to_it(build: Any) -> None:
    try:
        found = Variables().leading_to({keep(build): Wanted})
    finally:
        kept.clear()
    assert found is not None
    assert found[0].name == "kept"


@pytest.mark.parametrize(("keeper", "name"), [(Keeper, "Keeper.wanted"), (Keeper.Inner, "Keeper.Inner.wanted")])
def test_an_attribute_of_a_class_is_a_variable(keeper: Any, name: str) -> None:
    keeper.wanted = [wanted := Wanted()]
    number = id(wanted)
    del wanted
    try:
        found = Variables().leading_to({number: Wanted})
    finally:
        keeper.wanted = None
    assert found is not None
    assert found[0].name == name


async def rows() -> Any:
    connection = Wanted()
    yield id(connection)


left = rows()


def test_what_a_generator_keeps_that_was_left_is_a_variable() -> None:
    with pytest.raises(StopIteration) as first:
        left.__anext__().send(None)
    found = Variables().leading_to({first.value.value: Wanted})
    assert found is not None
    assert (found[0].name, found[0].function) == ("connection", rows.__code__.co_firstlineno)


def test_a_slot_is_an_attribute_and_an_empty_one_is_none() -> None:
    thing = Slotted()
    thing.wanted = wanted = Wanted()
    assert reaches("thing", thing, {id(wanted): Wanted}, 1) == "thing.wanted"
