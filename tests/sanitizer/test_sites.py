"""Whose code a stack's frames are, where a file alone does not say it."""

from __future__ import annotations

import dataclasses
import sys
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from diagnostics.sanitizer.analyze.describe import component, distribution
from diagnostics.sanitizer.capture import sites
from diagnostics.sanitizer.capture.facts import ClientRecord
from diagnostics.sanitizer.capture.sites import (
    DEPTH,
    Stack,
    belongs,
    capture,
    is_generated,
    is_users,
    line,
    module_file,
    users_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def made() -> Stack:
    """Stands for a client: where it was made."""
    return capture(sys._getframe(1))


def by_dataclass(factory: Any) -> type:
    return dataclasses.make_dataclass("Service", [("made", Any, dataclasses.field(default_factory=factory))])


def by_attrs(factory: Any) -> type:
    return attrs.make_class("Service", {"made": attrs.field(factory=factory)})


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs source as a module that is installed, or as one of the program's."""

    def run(source: str, *, is_installed: bool, file: str | None = None) -> dict[str, Any]:
        name = "kitchen"
        path = tmp_path / ("site-packages" if is_installed else "program") / name / "__init__.py"
        module = ModuleType(name)
        module.__file__ = str(path)
        module.__dict__["made"] = made
        monkeypatch.setitem(sys.modules, name, module)
        exec(compile(source, file or str(path), "exec"), module.__dict__)
        return module.__dict__

    return run


SERVICES = {
    "dataclasses": "import dataclasses\n@dataclasses.dataclass\nclass Service:\n"
    "    made: object = dataclasses.field(default_factory=made)\n",
    "attrs": "import attrs\n@attrs.define\nclass Service:\n    made: object = attrs.field(factory=made)\n",
}


@pytest.mark.parametrize("build", [by_dataclass, by_attrs])
def test_what_a_factory_of_a_field_makes_is_made_where_the_object_is(build: Callable[[Any], type]) -> None:
    service = build(made)

    def make() -> Any:
        return service()

    stack = make().made
    assert is_generated(stack[0])
    found = users_frame(stack)
    assert found is not None
    assert (found[0], line(*found)) == (make.__code__, make.__code__.co_firstlineno + 1)
    assert component(None, stack) == "user"


@pytest.mark.parametrize("source", SERVICES.values(), ids=SERVICES)
def test_an_installed_package_answers_for_the_factories_of_its_classes(
    module: Callable[..., dict[str, Any]], source: str
) -> None:
    service = module(source, is_installed=True)["Service"]
    stack = service().made
    found = users_frame(stack)
    assert found is not None
    assert found[0] is sys._getframe(0).f_code
    assert component(ClientRecord(made, "httpx.AsyncClient", "httpx", stack)) == "kitchen"


@pytest.mark.parametrize("file", ["<string>", "<cell>", "<ipython-input-1-abc>", "<stdin>"])
def test_what_a_person_wrote_without_a_file_is_named(module: Callable[..., dict[str, Any]], file: str) -> None:
    source = (
        "class Service:\n    def __init__(self):\n        self.made = made()\ndef work():\n    return Service().made\n"
    )
    found = users_frame(module(source, is_installed=False, file=file)["work"]())
    assert found is not None
    assert (found[0].co_filename, found[0].co_name, line(*found)) == (file, "__init__", 3)


def test_what_an_installed_package_executes_without_a_file_is_its_own(module: Callable[..., dict[str, Any]]) -> None:
    namespace = module("def work():\n    return made()\n", is_installed=True, file="<decorator-gen-1>")
    found = users_frame(namespace["work"]())
    assert found is not None
    assert found[0] is sys._getframe(0).f_code


def test_a_generated_method_is_named_where_nothing_else_is() -> None:
    generated: CodeType = by_dataclass(made)().made[0]
    assert users_frame((generated, 3)) == (generated, 3)


@pytest.fixture
def deps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that openai is imported from and that is not called site-packages."""
    module = ModuleType("openai")
    module.__file__ = str(tmp_path / "deps" / "openai" / "__init__.py")
    monkeypatch.setitem(sys.modules, "openai", module)
    return tmp_path / "deps"


def test_a_library_that_is_known_is_one_wherever_it_lies(deps: Path) -> None:
    file = str(deps / "openai" / "_base_client.py")
    assert belongs(file, "openai")
    assert not belongs(file, "anthropic")
    assert not is_users(file)
    assert distribution(file) == "openai"


@pytest.mark.parametrize("file", ["openai_test.py", "openai/app.py", "deps/handler.py", "deps/openai.py"])
def test_a_program_may_be_named_as_a_library_is(deps: Path, file: str) -> None:
    assert is_users(str(deps.parent / file))
    assert not belongs(str(deps.parent / file), "openai")


def nested(depth: int) -> Stack:
    return nested(depth - 1) if depth else capture()


def test_stacks_of_one_place_are_one_object_and_others_are_not() -> None:
    again = [nested(depth) for depth in (3, 3, 4)]
    assert again[0] is again[1]
    assert again[0] != again[2]


def test_a_deep_stack_ends_after_the_innermost_frames() -> None:
    stack = nested(DEPTH * 2)
    assert stack == (nested.__code__, stack[1], *(nested.__code__, stack[3]) * (DEPTH - 1))


def test_frames_of_the_sanitizer_are_left_out_and_code_behind_them_is_not() -> None:
    ours = "def between(work): return work()"
    there: dict[str, Any] = {}
    exec(compile(ours, sites.__file__, "exec"), there)

    def captured(around: Callable[[Callable[[], Stack]], Stack]) -> Stack:
        return around(made_here)

    def made_here() -> Stack:
        return capture()

    stack = captured(there["between"])
    assert stack[::2][:2] == (made_here.__code__, captured.__code__)


def test_a_program_may_forbid_calls_that_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError

    file = tmp_path / "bridge.py"
    file.write_text("# from Event Loop Diagnostics")
    monkeypatch.setattr("os.stat", forbidden)
    found = sites.is_tool(str(file))
    monkeypatch.undo()
    assert found


def test_a_program_that_has_ended_still_has_a_file(tmp_path: Path) -> None:
    loader = SourceFileLoader("__main__", str(tmp_path / "program.py"))
    main, other = ModuleType("__main__"), ModuleType("other")
    main.__loader__ = other.__loader__ = loader
    assert [module_file(each) for each in (main, other, object())] == [loader.path, None, None]
    main.__file__ = "/here.py"
    assert module_file(main) == "/here.py"
