"""Who holds a client: told from the stack at its creation, for packages that nobody has listed."""

from __future__ import annotations

import sys
import textwrap
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from diagnostics.sanitizer.capture.holders import ClientHolder, holder, variable

Client = Callable[[], ClientHolder | None]


def created() -> ClientHolder | None:
    return holder(sys._getframe(1), "no_such_library")


SDK = """
    import functools
    from somewhere import created

    class Transport:
        def __init__(self):
            self.holder = created()

        def open(self):
            return created()

    class Client:
        def __init__(self):
            self.transport = Transport()
            self.holder = self.transport.holder

        @classmethod
        def from_text(cls, text):
            return cls()

        def ask(self):
            return self.transport.open()

        def connect(self):
            return self.transport.open()

        def close(self):
            ...

    class Wrapped(Client):
        def ask(self):
            return traced(self)

    class Model:
        def ask(self):
            return self._made()

        def _made(self):
            return created()

    class Builder:
        def build(self):
            return Client()

    def traced(*args, **kwargs):
        return Client.ask(args[0])

    def create_client():
        return Client()

    def new_transport():
        return created()

    class Lazy(Client):
        def ask(self):
            return new_transport()

    class Cached(Client):
        def ask(self):
            return shared()

    @functools.cache
    def shared():
        return created()

    class Kept:
        def __init__(self):
            self.holder = shared()

    def complete():
        return shared()
"""


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A package as it lies in site-packages."""
    file = tmp_path / "site-packages" / "sdk.py"
    file.parent.mkdir()
    somewhere = ModuleType("somewhere")
    somewhere.created = created  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "somewhere", somewhere)
    module = ModuleType("sdk")
    exec(compile(textwrap.dedent(SDK), str(file), "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(
    ("use", "persons", "type_"),
    [
        (lambda sdk: sdk.Client().holder, True, "sdk.Client"),
        (lambda sdk: sdk.Client.from_text("…").holder, True, "sdk.Client"),
        (lambda sdk: sdk.Builder().build().holder, True, "sdk.Client"),
        (lambda sdk: sdk.create_client().holder, True, "sdk.Client"),
        (lambda sdk: sdk.Client().ask(), True, "sdk.Client"),
        (lambda sdk: sdk.Client().connect(), True, "sdk.Client"),
        (lambda sdk: sdk.traced(sdk.Client()), True, "sdk.Client"),
        (lambda sdk: sdk.Lazy().ask(), True, "sdk.Lazy"),
        (lambda sdk: sdk.Cached().ask(), False, ""),
        (lambda sdk: sdk.Model().ask(), False, "sdk.Model"),  # it offers no way to close it
        (lambda sdk: sdk.Kept().holder, False, "sdk.Kept"),  # nor did the person get this one
        (lambda sdk: sdk.complete(), False, ""),
    ],
)
def test_who_holds_a_client_is_told_from_the_stack(
    sdk: Any, use: Callable[[Any], Any], persons: bool, type_: str
) -> None:
    found = use(sdk)
    assert (found.is_persons, found.type) == (persons, type_)


def test_a_person_who_creates_it_holds_it() -> None:
    assert created() is None


KEPT = {"client": object()}


class Service:
    def __init__(self, client: object) -> None:
        self.client = client


service = Service(object())


def test_variables_are_found_with_their_path() -> None:
    assert variable(KEPT["client"]) == ("KEPT['client']", __name__, __file__, 0, "", "")
    assert variable(service.client) == ("service.client", __name__, __file__, 0, "", "")
    mine = object()
    found = variable(mine)
    line = sys._getframe().f_code.co_firstlineno
    assert found == ("mine", __name__, __file__, line, "", "")
    assert variable(None) is None
    assert variable(object()) is None


def test_looking_for_a_variable_keeps_nothing_alive() -> None:
    thing = Service(object())
    reference = weakref.ref(thing)
    found = variable(thing)
    assert found is not None
    assert found.name == "thing"
    del thing
    assert reference() is None
