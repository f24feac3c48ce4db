"""The files to check: found by a text search, parsed when they are needed, looked up by what others import."""

from __future__ import annotations

import ast
import os
import re
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from diagnostics.rewrite.rules.engine.source_file import CodeScope, SourceFile, dotted, parse

EXCLUDED: Final = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", ".nox", ".tox", "build", "dist", "node_modules", "__pycache__", ".eggs"}
    | {".mypy_cache", ".ruff_cache", ".pytest_cache", "site-packages"}
)
"""Folders that are not entered, unless they are named."""

_DEPTH: Final = 8
_DEFINITE: Final = b"sync"
"""What every file with a mistake or an async client says: `async`, `asyncio`, `AsyncClient`."""


@dataclass(frozen=True)
class OuterName:
    """A name that no file of the tree defines, such as `httpx.AsyncClient`."""

    dotted: str


@dataclass(frozen=True, eq=False)
class NamedValue:
    """A name that a scope binds to values."""

    scope: CodeScope
    name: str


Target = OuterName | NamedValue | CodeScope | SourceFile
"""What a name can stand for."""


class SourceTree:
    """The files below some paths.

    Attributes:
        problems: a line for each file that cannot be read or parsed.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.problems: list[str] = []
        self.files: list[str] = []
        self._data: dict[str, bytes] = {}
        self._parsed: dict[str, SourceFile | None] = {}
        self._matches: dict[tuple[str, ...], list[str]] = {}
        self._modules: dict[str, list[str]] = {}
        self._names: dict[str, tuple[str, bool]] = {}
        for path in paths:
            self.files += [path] if os.path.isfile(path) else _below(path)
        self.files = list(dict.fromkeys(self.files))
        packages: dict[str, str] = {}
        for path in self.files:
            name, is_package = _module(path, packages)
            self._names[path] = name, is_package
            self._modules.setdefault(name, []).append(path)
        self.roots = {name.partition(".")[0] for name in self._modules}

    def matching(self, *words: str, callers: bool = False) -> Iterator[SourceFile]:
        """Yields the parsed files whose text every one of some regular expressions matches.

        Args:
            callers: whether files without async code count too.
        """
        if words not in self._matches:
            searches = [re.compile(each.encode()).search for each in words]
            read = ((path, self._read(path)) for path in self.files)
            fitting = (path for path, data in read if (callers or _DEFINITE in data) and all(e(data) for e in searches))
            self._matches[words] = [*fitting]
        for path in self._matches[words]:
            file = self.parsed(path)
            if file is not None:
                yield file

    def parsed(self, path: str) -> SourceFile | None:
        """Returns a parsed file; `None` for one that is not Python."""
        if path not in self._parsed:
            self._parsed[path] = self._parse(path)
        return self._parsed[path]

    def _parse(self, path: str) -> SourceFile | None:
        text = self._decoded(path)
        if text is None:
            return None
        name, is_package = self._names[path]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about escapes and the like, which are none of our business
                return parse(path, name, text, package=is_package)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            why = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
            self.problems.append(f"{path}{line}: skipped, not Python: {why}")
            return None

    def _read(self, path: str) -> bytes:
        if path not in self._data:
            try:
                with open(path, "rb") as stream:
                    self._data[path] = stream.read()
            except OSError as error:
                self._data[path] = b""
                self.problems.append(f"{path}: skipped, cannot be read: {error.strerror}")
        return self._data[path]

    def _decoded(self, path: str) -> str | None:
        data = self._read(path)
        try:
            encoding = "utf-8" if data.isascii() else tokenize.detect_encoding(iter(data.splitlines(True)).__next__)[0]
            return data.decode(encoding).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        except (SyntaxError, ValueError, LookupError) as error:
            self.problems.append(f"{path}: skipped, cannot be decoded: {error}")
            return None

    def lookup(self, name: str, near: SourceFile, depth: int = 0) -> Target:
        """Returns what a dotted name stands for when a file imports it."""
        parts = name.split(".")
        for end in range(len(parts), 0, -1):
            file = self._module_file(".".join(parts[:end]), near)
            if file is not None:
                return self._within(file, parts[end:], name, depth)
        return OuterName(name)

    def _module_file(self, name: str, near: SourceFile) -> SourceFile | None:
        paths = self._modules.get(name, [])
        folder = os.path.dirname(near.path)
        beside = [path for path in paths if os.path.dirname(path) == folder]
        chosen = beside or (paths if len(paths) == 1 else [])
        if not chosen or chosen[0] == near.path:
            return near if chosen else None
        return self.parsed(chosen[0])

    def _within(self, file: SourceFile, parts: list[str], name: str, depth: int) -> Target:
        target: Target = file
        for number, part in enumerate(parts):
            if isinstance(target, SourceFile):
                module = target.module
                target = self.member(target, part, depth)
                if target == OuterName(part):  # a module of the tree that is missing, and none of another library
                    target = OuterName(f"{module}.{part}")
            elif isinstance(target, CodeScope) and target.is_class:
                target = class_member(target, part, name)
            elif isinstance(target, OuterName):
                return OuterName(".".join([target.dotted, *parts[number:]]))
            else:
                return OuterName(name)
        return target

    def member(self, file: SourceFile, name: str, depth: int = 0) -> Target:
        """Returns what a name stands for in a module."""
        body = file.body
        if name in body.inner:
            return body.inner[name]
        imported = file.imports.get(name)
        bound = body.names.get(name)
        if bound is not None and (imported is None or any(not _is_none(each.value) for each in bound)):
            return NamedValue(body, name)
        if imported is not None and depth < _DEPTH:
            return self.lookup(imported, file, depth + 1)
        return OuterName(name if imported is None else imported)

    def resolve(self, node: ast.AST | None, scope: CodeScope) -> Target | None:
        """Returns what a name or `a.b.c` stands for in a scope; `None` where that cannot be known."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        target: Target | None = self.name(node.id, scope)
        for attribute in reversed(names):
            if isinstance(target, OuterName):
                target = OuterName(f"{target.dotted}.{attribute}")
            elif isinstance(target, SourceFile):
                target = self.member(target, attribute)
            elif isinstance(target, CodeScope) and target.is_class:
                target = class_member(target, attribute, attribute)
            else:
                return None
        return target

    def name(self, name: str, scope: CodeScope) -> Target:
        """Returns what a plain name stands for in a scope."""
        around: CodeScope | None = scope
        while around is not None and around.parent is not None:
            if not around.is_class or around is scope:
                if name in around.inner:
                    return around.inner[name]
                if name in around.names:
                    return _own_class(around, name) or NamedValue(around, name)
            around = around.parent
        return self.member(scope.file, name)

    def bases(self, scope: CodeScope) -> Iterator[Target]:
        """Yields the direct bases of a class."""
        for base in getattr(scope.node, "bases", ()):
            target = self.resolve(base.value if isinstance(base, ast.Subscript) else base, scope.parent or scope)
            if target is not None:
                yield target

    def method(self, cls: CodeScope, name: str, depth: int = 0) -> CodeScope | None:
        """Returns a method of a class or of its bases in the tree."""
        if name in cls.inner:
            return cls.inner[name]
        for base in self.bases(cls) if depth < _DEPTH else ():
            if isinstance(base, CodeScope) and (found := self.method(base, name, depth + 1)) is not None:
                return found
        return None


def _own_class(scope: CodeScope, name: str) -> CodeScope | None:
    """Returns the class that the first parameter of a class method is, or of one that inherits it."""
    is_first = scope.is_function and scope.parameters[:1] == [name] and len(scope.names[name]) == 1
    if is_first and any(dotted(each) == ["classmethod"] for each in scope.decorators()):
        return scope.parent
    return None


def class_member(cls: CodeScope, name: str, whole: str) -> Target:
    """Returns what `Class.name` stands for."""
    if name in cls.inner:
        return cls.inner[name]
    return NamedValue(cls, name) if name in cls.attributes else OuterName(whole)


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _below(folder: str) -> Iterable[str]:
    """Yields the Python files below a folder, in order."""
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(
            each
            for each in folders
            if each not in EXCLUDED
            and not each.endswith(".egg-info")
            and not os.path.exists(os.path.join(where, each, ".git"))  # another repository
        )
        for file in sorted(files):
            path = os.path.normpath(os.path.join(where, file))
            if file.endswith(".py") and os.path.isfile(path):  # reading a pipe could wait for ever
                yield path


def _module(path: str, packages: dict[str, str]) -> tuple[str, bool]:
    """Returns the dotted name of a file, from the outermost folder that is a package, and whether it is a package."""
    folder, base = os.path.split(path)
    name = os.path.splitext(base)[0]
    package = _package(folder, packages)
    if name == "__init__":
        return package or os.path.basename(os.path.abspath(folder)), True
    return (f"{package}.{name}" if package else name), False


def _package(folder: str, packages: dict[str, str]) -> str:
    folder = os.path.abspath(folder)
    if folder not in packages:
        inside = os.path.isfile(os.path.join(folder, "__init__.py"))
        above, name = os.path.split(folder)
        outer = _package(above, packages) if inside and above != folder else ""
        packages[folder] = (f"{outer}.{name}" if outer else name) if inside else ""
    return packages[folder]
