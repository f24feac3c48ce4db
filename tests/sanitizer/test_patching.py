"""Patches can be taken back, are not noticed, and give up quietly."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from diagnostics.sanitizer.capture.detectors.aiohttp import sends
from diagnostics.sanitizer.capture.patching import Patch, Patches, around, before, built


@pytest.fixture
def module() -> Iterator[Any]:
    """A library of one class."""

    class Client:
        def __init__(self, name: str, *, size: int = 1) -> None:
            self.name = name
            self.size = size

        def close(self) -> str:
            return f"closed {self.name}"

        async def send(self, what: str) -> str:
            return f"sent {what}"

    made = types.ModuleType("library_of_one")
    made.Client = Client  # type: ignore[attr-defined]
    sys.modules["library_of_one"] = made
    yield made
    del sys.modules["library_of_one"]


def applied(*patches: Patch) -> Patches:
    patches_ = Patches(patches)
    patches_.apply()
    return patches_


def test_what_is_patched_is_observed_and_then_what_it_was(module: Any) -> None:
    seen: list[Any] = []
    original = module.Client.close
    patches = applied(Patch("library_of_one", "Client", "close", before(lambda client: seen.append(client.name))))
    assert module.Client("a").close() == "closed a"
    patches.restore()
    assert module.Client.close is original
    assert module.Client("b").close() == "closed b"
    assert seen == ["a"]


def test_a_wrong_argument_is_refused_as_by_the_original(module: Any) -> None:
    with pytest.raises(TypeError) as plain:
        module.Client("a").close(1)
    patches = applied(Patch("library_of_one", "Client", "close", before(lambda self: None)))
    with pytest.raises(TypeError) as patched:
        module.Client("a").close(1)
    patches.restore()
    assert str(patched.value) == str(plain.value)
    assert len(patched.traceback) == len(plain.traceback)


def test_an_observer_that_fails_is_switched_off_and_named(module: Any) -> None:
    def fail(_: Any) -> None:
        raise ZeroDivisionError("oops")

    patches = applied(Patch("library_of_one", "Client", "close", before(fail)))
    assert module.Client("a").close() == "closed a"
    assert patches.problems == ["library_of_one.Client.close: ZeroDivisionError: oops"]
    assert module.Client("a").close() == "closed a"
    patches.restore()


def test_a_library_without_the_attribute_is_a_problem_and_no_error(module: Any) -> None:
    patches = applied(
        Patch("library_of_one", "Client", "abort", before(print)),
        Patch("library_of_one", "Server", "close", before(print), optional=True),
    )
    assert patches.problems == ["library_of_one.Client.abort: KeyError: 'abort'"]
    patches.restore()


def test_a_coroutine_function_stays_one(module: Any) -> None:
    patches = applied(Patch("library_of_one", "Client", "send", before(lambda *_: None)))
    assert (
        asyncio.iscoroutinefunction(module.Client.send)
        if sys.version_info < (3, 12)
        else (inspect.iscoroutinefunction(module.Client.send))
    )
    assert asyncio.run(module.Client("a").send("x")) == "sent x"
    patches.restore()


def test_objects_are_seen_when_they_are_built_and_the_signature_is_the_same(module: Any) -> None:
    seen: list[Any] = []
    signature = inspect.signature(module.Client)
    patches = applied(Patch("library_of_one", "Client", "__new__", built(seen.append)))

    class Derived(module.Client):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__("derived", size=2)

    made = [module.Client("a", size=3), Derived()]
    assert [(each.name, each.size) for each in made] == [("a", 3), ("derived", 2)]
    assert seen == made
    assert inspect.signature(module.Client) == signature
    assert str(inspect.signature(Derived)) == "() -> 'None'"
    patches.restore()
    assert module.Client("b").name == "b"
    patches.apply()
    assert module.Client("c") is seen[-1]
    patches.restore()
    assert len(seen) == 3


def test_the_end_of_a_function_is_seen_also_when_it_raises(module: Any) -> None:
    def explode(self: Any) -> None:
        raise ValueError("own")

    module.Client.close = explode
    seen: list[Any] = []
    patches = applied(
        Patch("library_of_one", "Client", "close", around(lambda client: client.name, lambda *ends: seen.append(ends)))
    )
    with pytest.raises(ValueError, match="own"):
        module.Client("a").close()
    assert seen == [("a", None)]
    patches.restore()


def test_a_module_is_patched_when_it_is_imported_later(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "library_to_come.py").write_text("class Client:\n    def close(self):\n        return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    finders = list(sys.meta_path)
    seen: list[Any] = []
    patches = applied(Patch("library_to_come", "Client", "close", before(seen.append)))
    library = importlib.import_module("library_to_come")
    client = library.Client()
    assert (client.close(), seen) == (1, [client])
    assert "exec_module" not in vars(library.__loader__)
    patches.restore()
    assert sys.meta_path == finders
    del sys.modules["library_to_come"]


def test_a_module_that_is_imported_once_more_is_patched_too(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "library_twice.py").write_text("class Client:\n    def close(self):\n        return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    seen: list[Any] = []
    patches = applied(Patch("library_twice", "Client", "close", before(seen.append)))
    first = importlib.import_module("library_twice")
    del sys.modules["library_twice"]
    second = importlib.import_module("library_twice")
    old = second.Client
    importlib.reload(second)
    clients = [first.Client(), old(), second.Client()]
    assert ([client.close() for client in clients], seen) == ([1, 1, 1], clients)
    patches.restore()
    assert [client.close() for client in clients] == [1, 1, 1]
    assert seen == clients
    del sys.modules["library_twice"]


@pytest.mark.parametrize(
    "send",
    [
        pytest.param(lambda self, *args, **words: (self, args, words), id="any"),
        pytest.param(lambda self, conn, *, more: (self, (conn,), {"more": more}), id="keyword"),
    ],
)
def test_a_method_that_another_tool_replaced_gets_all_its_arguments(send: Any) -> None:
    replacement = sends(send, Patch("aiohttp.client_reqrep", "ClientRequest", "send", sends))
    assert replacement("request", "connection", more=1) == ("request", ("connection",), {"more": 1})
