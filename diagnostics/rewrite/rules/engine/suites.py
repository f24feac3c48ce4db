"""Tests of pytest that share a client: each has a loop of its own, unless the suite says otherwise."""

from __future__ import annotations

import ast
import functools
import os
import re
from collections.abc import Iterator
from typing import Final

from diagnostics.rewrite.rules.engine.repeats import RunEvent, SharedUse
from diagnostics.rewrite.rules.engine.runs import Reached, reach_body
from diagnostics.rewrite.rules.engine.source_file import LOOPS, CodeScope, SourceFile, dotted
from diagnostics.rewrite.rules.engine.starts import LoopRun, last_name, outside_frame
from diagnostics.rewrite.rules.engine.tree import NamedValue
from diagnostics.rewrite.rules.engine.values import MadeValue, ScopeFrame, ValueReader, hold

_ASYNC: Final = r"mark\.(?:asyncio|anyio)\b"
_OTHER_LOOPS: Final = re.compile(r"loop_scope|event_loop")
_NOTHING_SENT: Final = re.compile(r"respx|aioresponses|\bvcr|[Mm]ock|monkeypatch")
_WIDER: Final = frozenset({"session", "package", "module", "class"})
_LEVELS: Final = 8


def between_tests(reader: ValueReader) -> Iterator[SharedUse]:
    """Yields each client that tests with loops of their own use."""
    for file in reader.tree.matching(_ASYNC):
        name = os.path.basename(file.path)
        if not (name.startswith("test_") or name.endswith("_test.py")) or _says_otherwise(file, reader):
            continue
        events = [(_event(scope, file, reader), scope) for scope in file.scopes if _is_test(scope)]
        first: dict[ast.Call, RunEvent] = {}
        for event, scope in events:
            for call, use in event.reached.open.items():
                if call in first:
                    yield SharedUse(use, "tests", (first[call], event))
                elif any(names[-1] == "parametrize" for each in scope.decorators() if (names := dotted(each))):
                    yield SharedUse(use, "tests", (event, event))
                first.setdefault(call, event)


def between_requests(reader: ValueReader) -> Iterator[SharedUse]:
    """Yields each client that handlers use while a TestClient gives each request a loop of its own."""
    for file in reader.tree.matching(r"TestClient\(", callers=True):
        for scope in file.scopes:
            for node in scope.nodes:
                name = _plain_variable(node, scope)
                app = reader.tree.resolve(node.args[0], scope) if isinstance(node, ast.Call) and node.args else None
                if name is None or not isinstance(app, NamedValue) or app.scope.parent is not None:
                    continue
                asked = [each for each in scope.nodes if isinstance(each, ast.Call) and dotted(each.func)[:1] == [name]]
                loops = [each for each in asked if any(isinstance(a, LOOPS) for a in file.above(each))]
                sent = [asked[0], asked[-1]] if len(asked) > 1 else loops * 2
                for handler in app.scope.file.body.inner.values() if sent else ():
                    if any(dotted(each)[:1] == [app.name] for each in handler.decorators()) and handler.is_async:
                        reached = reach_body(ScopeFrame(handler), reader)
                        events = tuple(
                            RunEvent(e, scope, LoopRun(e, scope, (), "TestClient"), reached) for e in sent[:2]
                        )
                        yield from (SharedUse(use, "requests", events) for use in reached.open.values())


def _plain_variable(node: ast.AST, scope: CodeScope) -> str | None:
    """Returns the variable of a TestClient that no `with` enters, for that would keep one loop."""
    made = scope.file.parents.get(node)
    if not isinstance(node, ast.Call) or last_name(node.func) != "TestClient" or not isinstance(made, ast.Assign):
        return None
    target = made.targets[0]
    entered = [each.context_expr for node in scope.nodes if isinstance(node, ast.With) for each in node.items]
    if not isinstance(target, ast.Name) or any(isinstance(e, ast.Name) and e.id == target.id for e in entered):
        return None
    return target.id


def _is_test(scope: CodeScope) -> bool:
    outer = scope.parent
    known = outer is not None and (outer.parent is None or (outer.is_class and outer.name.startswith("Test")))
    return scope.is_async and scope.name.startswith("test") and known


def _event(scope: CodeScope, file: SourceFile, reader: ValueReader) -> RunEvent:
    given = {name: value for name in scope.parameters if (value := _fixture(name, file, reader)) is not None}
    reached: Reached = reach_body(ScopeFrame(scope, tuple(given.items())), reader)
    return RunEvent(scope.node, scope, LoopRun(scope.node, scope, (), "pytest"), reached)


def _fixture(name: str, file: SourceFile, reader: ValueReader) -> MadeValue | None:
    """Returns what a fixture for several tests gives them."""
    for scope in (file, *_conftests(file, reader)):
        function = scope.body.inner.get(name)
        if function is None or not function.is_function:
            continue
        wide = [each for each in getattr(function.node, "decorator_list", ()) if _is_wide(each)]
        value = reader.returned(function, outside_frame(function)) if wide else None
        return None if value is None else hold(value, name, "variable")
    return None


def _is_wide(decorator: ast.expr) -> bool:
    given = {each.arg: each.value for each in decorator.keywords} if isinstance(decorator, ast.Call) else {}
    scope = given.get("scope")
    return isinstance(scope, ast.Constant) and scope.value in _WIDER


def _conftests(file: SourceFile, reader: ValueReader) -> Iterator[SourceFile]:
    """Yields the `conftest.py` of the folder and of those above it, as far as they are checked."""
    folder = os.path.dirname(file.path)
    for _ in range(_LEVELS):
        path = os.path.join(folder, "conftest.py")
        found = reader.tree.parsed(path) if path in reader.tree.files else None
        if found is not None:
            yield found
        folder = os.path.dirname(folder)


def is_mocked(file: SourceFile) -> bool:
    """Returns whether a file of tests has something that answers in the place of a service."""
    name = os.path.basename(file.path)
    is_test = name.startswith(("test_", "conftest")) or name.endswith("_test.py")
    return is_test and _NOTHING_SENT.search(file.text) is not None


def _says_otherwise(file: SourceFile, reader: ValueReader) -> bool:
    """Returns whether a suite may share a loop between tests, or sends nothing."""
    files = [file, *_conftests(file, reader)]
    return any(is_mocked(each) or _OTHER_LOOPS.search(each.text) for each in files) or _configured(
        os.path.dirname(os.path.abspath(file.path))
    )


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


@functools.cache
def _configured(folder: str) -> bool:
    for _ in range(_LEVELS):
        for name in ("pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"):
            path = os.path.join(folder, name)
            if os.path.isfile(path) and "loop_scope" in _text(path):
                return True
        folder = os.path.dirname(folder)
    return False
