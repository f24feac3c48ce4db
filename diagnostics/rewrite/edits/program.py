"""The person's files as syntax trees, and the changes to them that make up one candidate.

A change is a function of a node after its children have changed, so that changes inside each other combine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, count, dropwhile, takewhile
from pathlib import Path, PurePosixPath
from typing import Any, Final

import libcst as cst
import libcst.matchers as m
from libcst.metadata import CodeRange, MetadataWrapper, ParentNodeProvider, PositionProvider

from diagnostics.drop_in import single_file
from diagnostics.rewrite.edits.top_level import lost, with_imports
from diagnostics.rewrite.records import Source

SKIPPED: Final = {"node_modules", "site-packages", "__pycache__", "build", "dist"}
"""Folders without code of the person's; those whose names start with a dot, and other repositories, are skipped too."""

MOST_FILES: Final = 2000

ASYNC_TOOLS: Final = "async_tools"

Change = Callable[[Any], Any]
Site = Mapping[str, Any]


class ParsedFile:
    """One file, parsed.

    Attributes:
        path: relative to the program's root, with `/`.
        tree: the syntax tree.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self._wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        self.tree = self._wrapper.module

    @cached_property
    def _positions(self) -> Mapping[cst.CSTNode, CodeRange]:
        return self._wrapper.resolve(PositionProvider)

    @cached_property
    def _parents(self) -> Mapping[cst.CSTNode, cst.CSTNode]:
        return self._wrapper.resolve(ParentNodeProvider)

    @cached_property
    def nodes(self) -> list[cst.CSTNode]:
        """All nodes that have a position."""
        return list(self._positions)

    @cached_property
    def names(self) -> frozenset[str]:
        """All names in it, of whatever."""
        return frozenset(node.value for node in self.nodes if isinstance(node, cst.Name))

    def line(self, node: cst.CSTNode) -> int:
        """Returns the line on which a node starts."""
        return self._positions[node].start.line

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """Yields the parents of a node, innermost first."""
        while (parent := self._parents.get(node)) is not None:
            yield parent
            node = parent

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """Returns the parent of a node."""
        return self._parents.get(node)

    def call(self, site: Site) -> cst.Call | None:
        """Returns the call that a site names, or the first on its line where it has no columns."""
        calls = [node for node in self.nodes if isinstance(node, cst.Call) and self._covers(node, site)]
        exact = [node for node in calls if self._column(node) == site.get("column")]
        awaited = [node for node in calls if self._column(self.parent(node) or node) == site.get("column")]
        return next(iter(exact or awaited or calls), None)

    def _column(self, node: cst.CSTNode) -> int | None:
        position = self._positions.get(node)
        return None if position is None else position.start.column

    def _covers(self, node: cst.CSTNode, site: Site) -> bool:
        position = self._positions[node]
        line: int = site["line"]
        return position.start.line <= line <= position.end.line

    def statements(self, site: Site) -> Iterator[cst.SimpleStatementLine]:
        """Yields the simple statements on the line of a site."""
        for node in self.nodes:
            if isinstance(node, cst.SimpleStatementLine) and self._covers(node, site):
                yield node

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """Returns the function around a node; a lambda is part of the function around it."""
        return next((each for each in self.around(node) if isinstance(each, cst.FunctionDef)), None)

    def coroutine(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """Returns the outermost coroutine function around a node."""
        around = [each for each in self.around(node) if isinstance(each, cst.FunctionDef)]
        return next((each for each in reversed(around) if each.asynchronous is not None), None)

    def class_around(self, node: cst.CSTNode) -> cst.ClassDef | None:
        """Returns the class around a node."""
        return next((each for each in self.around(node) if isinstance(each, cst.ClassDef)), None)

    def text(self, node: cst.CSTNode) -> str:
        """Returns the source of a node."""
        return self.tree.code_for_node(node)

    def place(self, node: cst.CSTNode) -> str:
        """Returns where a node is, for a person."""
        return f"{self.path}:{self.line(node)}"


class ParsedProgram:
    """The files of a program.

    Args:
        source: where they are read.
        start: the script that is run, relative to the root; "" for a module.

    Attributes:
        obstacles: why the edit that is tried does not fit, as far as it said so.
    """

    def __init__(self, source: Source, start: str) -> None:
        self.obstacles: list[str] = []
        self._source = source
        self._folder = PurePosixPath(start).parent if start.endswith(".py") else PurePosixPath()
        self._modules: dict[str, ParsedFile | None] = {}

    def module(self, path: str) -> ParsedFile | None:
        """Returns a file; `None` for one that cannot be read or is not Python."""
        if path not in self._modules:
            try:
                self._modules[path] = ParsedFile(path, self._source.read(path))
            except (OSError, UnicodeDecodeError, cst.ParserSyntaxError):
                self._modules[path] = None
        return self._modules[path]

    def text(self, path: str) -> str:
        """Returns a parsed file as it was."""
        module = self.module(path)
        return module.tree.code if module is not None else ""

    def text_of(self, path: str) -> str:
        """Returns the text of any file; "" for one that cannot be read."""
        try:
            return self._source.read(path)
        except (OSError, UnicodeDecodeError):
            return ""

    def no(self, why: str) -> bool:
        """Says why an edit does not fit; returns `False`."""
        self.obstacles.append(why)
        return False

    def at(self, site: Site | None) -> ParsedFile | None:
        """Returns the file of a site, if it is one of the program's."""
        if site is None:
            return None
        root = self._source.root.resolve()
        path = Path(root, site["file"]).resolve()
        return self.module(path.relative_to(root).as_posix()) if path.is_relative_to(root) else None

    def modules(self) -> Iterator[ParsedFile]:
        """Yields every file."""
        root = self._source.root
        left = MOST_FILES
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if not _is_skipped(Path(folder, name)))
            for name in sorted(files):
                if name.endswith(".py") and left:
                    left -= 1
                    module = self.module(Path(folder, name).relative_to(root).as_posix())
                    if module is not None:
                        yield module

    def package(self, path: str) -> PurePosixPath | None:
        """Returns the folder of the outermost package with a file; `None` for one of the script or of no package."""
        found, folder = None, PurePosixPath(path).parent
        while folder.parts and self.module((folder / "__init__.py").as_posix()) is not None:
            found, folder = folder, folder.parent
        return None if found is not None and self._folder.is_relative_to(found) else found

    @property
    def async_tools(self) -> str:
        """The path of the drop-in module, beside the script that is run."""
        return (self._folder / f"{ASYNC_TOOLS}.py").as_posix()


def _is_skipped(folder: Path) -> bool:
    is_other = any((folder / name).exists() for name in ("pyvenv.cfg", ".git"))  # an environment, another repository
    return folder.name.startswith(".") or folder.name in SKIPPED or is_other


@dataclass
class Rewrite:
    """The changes of one candidate."""

    program: ParsedProgram
    _changes: dict[ParsedFile, dict[cst.CSTNode, list[Change]]] = field(default_factory=dict)
    _inserted: dict[ParsedFile, dict[cst.CSTNode, list[Change]]] = field(default_factory=dict)
    _imports: dict[ParsedFile, list[str]] = field(default_factory=dict)
    _tools: dict[ParsedFile, dict[str, None]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._changes)

    def no(self, why: str) -> bool:
        """Says why an edit does not fit; returns `False`."""
        return self.program.no(why)

    def change(self, module: ParsedFile, node: cst.CSTNode, change: Change) -> None:
        """Applies a change to a node once its children have changed."""
        self._changes.setdefault(module, {}).setdefault(node, []).append(change)

    def replace(self, module: ParsedFile, node: cst.CSTNode, expression: str) -> None:
        """Replaces an expression."""
        self.change(module, node, lambda _: cst.parse_expression(expression))

    def replace_statement(self, module: ParsedFile, statement: cst.CSTNode, line: str) -> None:
        """Replaces a statement; comments and blank lines before it stay."""
        new: Any = cst.parse_statement(line)

        def change(each: Any) -> Any:
            kept: dict[str, Any] = {"leading_lines": each.leading_lines}
            if isinstance(new, cst.SimpleStatementLine) and isinstance(each, cst.SimpleStatementLine):
                kept["trailing_whitespace"] = each.trailing_whitespace
            elif isinstance(new, cst.SimpleStatementLine):
                comments = [cst.EmptyLine(comment=found) for found in m.findall(each.body, m.Comment())]  # type: ignore[arg-type]
                kept["leading_lines"] = [*each.leading_lines, *comments]
            elif isinstance(new, cst.FunctionDef) and statement in module.tree.body[1:]:
                blank = sum(1 for _ in takewhile(lambda line: line.comment is None, each.leading_lines))
                kept["leading_lines"] = [*[cst.EmptyLine(indent=False)] * (2 - blank), *each.leading_lines]
            return new.with_changes(**kept)

        self.change(module, statement, change)

    def insert_before(
        self, module: ParsedFile, statement: cst.CSTNode, text: str, *, after: tuple[str, ...] = ()
    ) -> None:
        """Inserts a function before a statement, whose comments stay with it, and lines after it."""
        added: Any = cst.parse_statement(text, config=module.tree.config_for_parsing)
        lines = [cst.parse_statement(each, config=module.tree.config_for_parsing) for each in after]
        gap = [cst.EmptyLine(indent=False)] * (2 if statement in module.tree.body else 1)
        is_first = not isinstance(block := module.parent(statement), cst.Module | cst.BaseSuite) or (
            block.body[0] is statement and not isinstance(block, cst.Module)
        )

        def insert(each: Any) -> Any:
            comments = [line for line in each.leading_lines if line.comment is not None]
            return cst.FlattenSentinel(
                [
                    added.with_changes(leading_lines=[*([] if is_first else gap), *added.leading_lines]),
                    each.with_changes(leading_lines=[*gap, *comments]),
                    *lines,
                ]
            )

        self._inserted.setdefault(module, {}).setdefault(statement, []).append(insert)

    def remove(self, module: ParsedFile, statement: cst.CSTNode) -> None:
        """Removes a statement; the last one of a block becomes `pass`, and blank lines before it stay."""
        parent = module.parent(statement)
        if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(parent, cst.IndentedBlock | cst.Module):
            return
        if len(parent.body) == 1:
            self.change(module, statement, lambda each: each.with_changes(body=[cst.Pass()]))
            return
        at = list(parent.body).index(statement)
        if at == 0 and isinstance(parent, cst.Module):
            self.change(module, parent.body[1], _without_blank_lines)
        elif at + 1 < len(parent.body):
            lines = [each for each in statement.leading_lines if each.comment is None]

            def after(each: Any) -> Any:
                is_kept = hasattr(each, "leading_lines") and len(each.leading_lines) < len(lines)
                return each.with_changes(leading_lines=lines) if is_kept else each

            self.change(module, parent.body[at + 1], after)
        self.change(module, statement, lambda _: cst.RemoveFromParent())

    def insert_first(self, module: ParsedFile, function: cst.FunctionDef, line: str) -> None:
        """Inserts a statement at the start of a function, after its docstring."""
        statement = cst.parse_statement(line)

        def insert(block: cst.IndentedBlock) -> cst.IndentedBlock:
            first = 1 if function.get_docstring() is not None else 0
            return block.with_changes(body=[*block.body[:first], statement, *block.body[first:]])

        self.change(module, function.body, insert)

    def import_(self, module: ParsedFile, line: str) -> None:
        """Adds an import that the file does not have."""
        lines = self._imports.setdefault(module, [])
        if line not in lines and f"{line}\n" not in module.tree.code:
            lines.append(line)

    def import_tool(self, module: ParsedFile, name: str) -> None:
        """Imports a name of `async_tools`, and adds that file: to the package of all that need it, if there is one."""
        self._tools.setdefault(module, {})[name] = None

    def files(self) -> dict[str, str]:
        """Returns the changed and the new files; nothing where one would not be Python, or lose a name it offers."""
        texts = {}
        tools = self._import_tools() if self._tools else ""
        for module in {**self._changes, **self._inserted, **self._imports}:
            changes = {node: [*these] for node, these in self._changes.get(module, {}).items()}
            for node, these in self._inserted.get(module, {}).items():  # one node becomes several: nothing follows that
                changes.setdefault(node, []).extend(these[:1])
            tree = module.tree.visit(_Transformer(changes))
            texts[module.path] = with_imports(tree, self._imports.get(module, [])).code
        try:
            for path, text in texts.items():
                offered = lost(path, self.program.text(path), text)
                if offered:
                    self.no(f"{path} offers {offered[0]} to other code")
                    return {}
        except SyntaxError:
            return {}
        if tools and self.program.module(tools) is None:
            texts[tools] = single_file()
        return texts

    def _import_tools(self) -> str:
        """Adds the imports of `async_tools`; returns the path of that file."""
        packages = {self.program.package(module.path) for module in self._tools}
        package = packages.pop() if len(packages) == 1 else None
        for module, names in self._tools.items():
            inner = PurePosixPath(module.path).parent
            dots = "." * (len(inner.parts) - len(package.parts) + 1) if package is not None else ""
            for name in names:
                self.import_(module, f"from {dots}{ASYNC_TOOLS} import {name}")
        return (package / f"{ASYNC_TOOLS}.py").as_posix() if package is not None else self.program.async_tools


def _without_blank_lines(statement: Any) -> Any:
    lines = dropwhile(lambda line: line.comment is None, getattr(statement, "leading_lines", ()))
    return statement.with_changes(leading_lines=[*lines]) if hasattr(statement, "leading_lines") else statement


def last_name(node: cst.CSTNode) -> str:
    """Returns `c` of `a.b.c`; "" for what is no name."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def free_name(name: str, *modules: ParsedFile) -> str:
    """Returns a name, or one with a number after it, that no file has."""
    taken = {each for module in modules for each in module.names}
    numbered = (f"{name}_{number}" for number in count(2))
    return next(each for each in chain([name], numbered) if each not in taken)


class _Transformer(cst.CSTTransformer):
    def __init__(self, changes: Mapping[cst.CSTNode, list[Change]]) -> None:
        super().__init__()
        self._changes = changes

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        for change in self._changes.get(original_node, ()):
            updated_node = change(updated_node)
        return updated_node
