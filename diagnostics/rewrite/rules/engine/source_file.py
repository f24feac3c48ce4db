"""One parsed file: its scopes, what each name is bound to, and where a node is.

A scope lists its own nodes, without those of the functions and classes inside it. Nothing here recurses, so the
depth of an expression does not matter.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from diagnostics.model.finding import Site

FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS: Final = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

ANY_KEY: Final = "*"
"""The key of an item that is not a string in the source."""

BoundBy = Literal["assignment", "part", "for", "with", "parameter", "other"]
"""How a name gets a value. `part`: one of several values; `for`: an element of the value; `with`: what it enters."""


@dataclass(frozen=True, eq=False)
class Bound:
    """One binding of a name, an attribute or an item; `value` is `None` where it is not an expression."""

    value: ast.expr | None
    by: BoundBy
    scope: CodeScope
    node: ast.AST


@dataclass(eq=False)
class CodeScope:
    """A module, a class or a function.

    Attributes:
        nodes: its own, in the order of the text.
        names: what its own names are bound to; the names that it declares global or nonlocal are not among them.
        inner: the functions and classes defined directly in it.
        attributes: of a class, what `self.NAME = …`, `cls.NAME = …` and its body bind.
    """

    name: str
    node: ast.AST
    file: SourceFile
    parent: CodeScope | None
    nodes: list[ast.AST] = field(default_factory=list)
    names: dict[str, list[Bound]] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)
    inner: dict[str, CodeScope] = field(default_factory=dict)
    attributes: dict[str, list[Bound]] = field(default_factory=dict)

    @cached_property
    def notable(self) -> list[ast.AST]:
        """Those of its nodes that use, enter or let go of something."""
        return [each for each in self.nodes if isinstance(each, (ast.Call, ast.AsyncWith, ast.Assign))]

    @cached_property
    def words(self) -> frozenset[str]:
        """The names and attributes in it."""
        names = {each.id for each in self.nodes if isinstance(each, ast.Name)}
        return frozenset(names | {each.attr for each in self.nodes if isinstance(each, ast.Attribute)})

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.node, ast.ClassDef)

    @property
    def is_function(self) -> bool:
        """Whether it is a function, a method or a lambda."""
        return isinstance(self.node, FUNCTIONS)

    @property
    def is_async(self) -> bool:
        """Whether it is a coroutine function or an async generator function."""
        return isinstance(self.node, ast.AsyncFunctionDef)

    @property
    def owner(self) -> CodeScope | None:
        """The class whose method this is, also for a function inside a method."""
        scope: CodeScope | None = self
        while scope is not None and not scope.is_class:
            scope = scope.parent
        return scope

    @property
    def qualified(self) -> str:
        """The name with those of the classes and functions around it."""
        names, scope = [], self
        while scope.parent is not None:
            names.append(scope.name)
            scope = scope.parent
        return ".".join(reversed(names))

    @property
    def parameters(self) -> list[str]:
        """The names of the positional parameters and those by keyword, in their order."""
        if not isinstance(self.node, FUNCTIONS):
            return []
        given = self.node.args
        return [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]

    def decorators(self) -> list[ast.expr]:
        """The decorators, without their calls."""
        found = getattr(self.node, "decorator_list", [])
        return [each.func if isinstance(each, ast.Call) else each for each in found]


@dataclass(eq=False)
class SourceFile:
    """A parsed file.

    Attributes:
        path: as it was given or found.
        module: the dotted name under which other files import it.
        imports: each imported name to the dotted name that it stands for.
        items: what `NAME["KEY"] = …` binds, by name and key, and `NAME.ATTRIBUTE = …`, with a dot before the key.
    """

    path: str
    module: str
    text: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    scopes: list[CodeScope] = field(default_factory=list)
    scope_of: dict[ast.AST, CodeScope] = field(default_factory=dict)
    items: dict[tuple[str, str], list[Bound]] = field(default_factory=dict)
    globals: dict[str, list[Bound]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    @property
    def body(self) -> CodeScope:
        """The scope of the module."""
        return self.scopes[0]

    def site(self, node: ast.AST, scope: CodeScope | None = None) -> Site:
        """Returns where a node is; columns count characters."""
        line = int(getattr(node, "lineno", 1))
        text = self.lines[line - 1] if line <= len(self.lines) else ""
        start = _characters(text, int(getattr(node, "col_offset", 0)))
        same = getattr(node, "end_lineno", None) == line
        end = _characters(text, int(getattr(node, "end_col_offset", 0))) if same else None
        return Site(self.path, line, scope.qualified if scope is not None else "", text.strip(), start, end)

    def above(self, node: ast.AST) -> list[ast.AST]:
        """Returns the nodes around a node up to its scope's, the nearest first."""
        found = []
        around = self.parents.get(node)
        while around is not None and not isinstance(around, (*FUNCTIONS, ast.ClassDef, ast.Module)):
            found.append(around)
            around = self.parents.get(around)
        return found


def _characters(line: str, offset: int) -> int:
    """Turns an offset in bytes of UTF-8 into one in characters."""
    return offset if line.isascii() else len(line.encode()[:offset].decode(errors="ignore"))


def written(node: ast.AST) -> str:
    """Returns an expression as code; nothing for one that is nested too deeply."""
    try:
        return ast.unparse(node)
    except RecursionError:
        return ""


def dotted(node: ast.AST | None) -> list[str]:
    """Returns the names of `a.b.c`; empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def parse(path: str, module: str, text: str, *, package: bool = False) -> SourceFile:
    """Returns a parsed file.

    Args:
        package: whether it is the `__init__.py` of a package, from where relative imports count.

    Raises:
        SyntaxError: it is not Python.
        ValueError: it has null bytes.
        RecursionError: it is nested too deeply for the parser.
        MemoryError: the same, before Python 3.12.
    """
    file = SourceFile(path, module, text, ast.parse(text))
    file.lines = text.splitlines() if "\f" not in text and "\x1c" not in text else _split(text)
    _Reader(file, module if package else module.rpartition(".")[0]).read()
    return file


def _split(text: str) -> list[str]:
    """Splits as the parser does, which knows fewer line ends than `str.splitlines`."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


_OPENING: Final = frozenset({*FUNCTIONS, ast.ClassDef})
_BINDING: Final = frozenset(
    {ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.AugAssign, ast.For, ast.AsyncFor, ast.comprehension, ast.With}
    | {ast.AsyncWith, ast.ExceptHandler, ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom}
)
_NO_NODES: Final = frozenset(
    {"ctx", "op", "ops", "kind", "type_comment", "id", "attr", "names", "module", "level", "conversion", "simple"}
)
_FIELDS: Final[dict[type[ast.AST], list[str]]] = {}


def _children(node: ast.AST) -> list[ast.AST]:
    """Returns what `ast.iter_child_nodes` yields, without contexts and operators; in less time."""
    fields = _FIELDS.get(type(node))
    if fields is None:
        leaf = isinstance(node, (ast.Name, ast.Constant))
        fields = _FIELDS[type(node)] = [] if leaf else [each for each in node._fields if each not in _NO_NODES]
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


class _Reader:
    """Fills a file in one walk."""

    def __init__(self, file: SourceFile, package: str) -> None:
        self.file = file
        self.package = package

    def read(self) -> None:
        top = CodeScope("", self.file.tree, self.file, None)
        self.file.scopes.append(top)
        self.file.scope_of[self.file.tree] = top
        parents = self.file.parents
        outside: tuple[ast.AST, ...]
        stack: list[tuple[ast.AST, CodeScope]] = [(node, top) for node in reversed(self.file.tree.body)]
        self.file.parents.update(dict.fromkeys(self.file.tree.body, self.file.tree))
        while stack:
            node, scope = stack.pop()
            scope.nodes.append(node)
            kind = type(node)
            if kind in _BINDING:
                self._bind(node, scope)
            inner, outside = scope, ()
            if kind in _OPENING:
                inner, outside = self._opened(node, scope), self._outside(node)
            children = _children(node)
            children.reverse()
            for child in children:
                parents[child] = node
                stack.append((child, scope if child in outside else inner))
        for scope in self.file.scopes:
            self._globals(scope)

    def _opened(self, node: ast.AST, scope: CodeScope) -> CodeScope:
        """Returns the scope of the node's children."""
        name = getattr(node, "name", "<lambda>")
        made = CodeScope(name, node, self.file, scope)
        self.file.scopes.append(made)
        self.file.scope_of[node] = made
        if name != "<lambda>":
            scope.inner[name] = made
        for parameter in made.parameters:
            made.names.setdefault(parameter, []).append(Bound(None, "parameter", made, node))
        return made

    @staticmethod
    def _outside(node: ast.AST) -> tuple[ast.AST, ...]:
        """Returns the children of a function or a class that are evaluated outside it."""
        bases = (*getattr(node, "bases", ()), *getattr(node, "keywords", ()))
        return (*getattr(node, "decorator_list", ()), *bases)

    def _bind(self, node: ast.AST, scope: CodeScope) -> None:  # noqa: PLR0912 - a branch for each way to bind
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._target(target, node.value, "assignment", scope, node)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
            if node.value is not None:
                self._target(node.target, node.value, "assignment", scope, node)
        elif isinstance(node, ast.AugAssign):
            self._target(node.target, None, "other", scope, node)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            self._target(node.target, node.iter, "for", scope, node)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    self._target(item.optional_vars, item.context_expr, "with", scope, node)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            scope.names.setdefault(node.name, []).append(Bound(None, "other", scope, node))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            scope.outer.update(node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                self._import(alias.asname or alias.name.split(".")[0], alias.name if alias.asname else "", scope)
        elif isinstance(node, ast.ImportFrom):
            source = self._absolute(node)
            for alias in node.names:
                self._import(alias.asname or alias.name, f"{source}.{alias.name}".lstrip("."), scope)

    def _target(self, target: ast.expr, value: ast.expr | None, by: BoundBy, scope: CodeScope, node: ast.AST) -> None:
        bound = Bound(value, by, scope, node)
        if isinstance(target, (ast.Tuple, ast.List)):
            values = value.elts if isinstance(value, (ast.Tuple, ast.List)) and by == "assignment" else []
            matched = len(values) == len(target.elts) and not any(isinstance(e, ast.Starred) for e in target.elts)
            for number, element in enumerate(target.elts):
                each: ast.expr | None
                how: BoundBy
                each, how = (values[number], by) if matched else (value, "part" if by == "assignment" else "other")
                self._target(element, each, how, scope, node)
        elif isinstance(target, ast.Name):
            scope.names.setdefault(target.id, []).append(bound)
            if scope.is_class:
                scope.attributes.setdefault(target.id, []).append(bound)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = scope.owner
            if owner is not None and target.value.id in ("self", "cls", owner.name):
                owner.attributes.setdefault(target.attr, []).append(bound)
            else:
                self.file.items.setdefault((target.value.id, f".{target.attr}"), []).append(bound)
        elif isinstance(target, ast.Attribute) and scope.name == "__new__" and scope.owner is not None:
            scope.owner.attributes.setdefault(target.attr, []).append(bound)  # of the object that it makes
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            key = target.slice
            known = isinstance(key, ast.Constant) and isinstance(key.value, str)
            name = str(key.value) if known and isinstance(key, ast.Constant) else ANY_KEY
            self.file.items.setdefault((target.value.id, name), []).append(bound)

    def _import(self, name: str, target: str, scope: CodeScope) -> None:
        if scope.parent is None:
            self.file.imports[name] = target or name
        else:
            self.file.imports.setdefault(name, target or name)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        base = self.package.split(".")
        kept = base[: len(base) - node.level + 1]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def _globals(self, scope: CodeScope) -> None:
        """Moves what a scope binds of names that it declares global or nonlocal to where they belong."""
        for name in scope.outer & set(scope.names):
            around = scope.parent
            while around is not None and around.parent is not None and (around.is_class or name not in around.names):
                around = around.parent
            if around is not None:
                around.names.setdefault(name, []).extend(scope.names.pop(name))
