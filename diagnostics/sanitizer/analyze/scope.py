"""Tells how an expression of the program is written in another place of it: with the names that are known there.

Advice moves the expression that creates a client into another function. What it takes may be unknown there, be known
by another name, such as the attribute that keeps an argument, or be an argument of the call there. Where one name of it
is unknown and has no other form, the arguments are left out.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import itertools
import linecache
import os
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from diagnostics.model.finding import Site
from diagnostics.sanitizer.analyze.sources import tree_of, written

Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES: Final = (*_FUNCTIONS, ast.ClassDef, ast.Lambda, ast.Module, *_COMPREHENSIONS)
_CONNECTS: Final = ("http_client", "httpx_client", "http_session", "transport", "connector", "session")
"""Names of arguments that take what has connections itself: it is made with the client that it is given to."""
_DEPTH: Final = 4


class Place(NamedTuple):
    """Where code is to go.

    Attributes:
        file: its file.
        tree: of that file.
        inside: the function; `None` for the module.
    """

    file: str
    tree: ast.Module
    inside: Function | None = None


class Known(NamedTuple):
    """An expression as it is written in a place.

    Attributes:
        node: `None` where a name of it is unknown there.
        imports: the lines that the place lacks.
    """

    node: ast.expr | None
    imports: tuple[str, ...] = ()


class _Move(NamedTuple):
    """From where an expression moves, and to where: the scopes around, the innermost first; the name of its module."""

    origin: Sequence[ast.AST]
    goal: Sequence[ast.AST]
    module: str
    imports: list[str]
    depth: int = _DEPTH

    def deeper(self) -> _Move:
        return self._replace(depth=self.depth - 1)


class _Unknown(Exception):
    """A name has no form in the place."""


def module_of(where: Site | None) -> Place | None:
    """Returns the place at the top of the file of a line."""
    tree = tree_of(where)
    return Place(where.file, tree) if where is not None and tree is not None else None


def expression_at(origin: Place, node: ast.expr, goal: Place) -> Known:
    """Returns an expression as it is written in another place.

    Args:
        origin: the file that has it.
        node: the expression, of that tree.
        goal: the place.
    """
    around = [goal.inside, *scopes_around(goal.tree, goal.inside)] if goal.inside is not None else [goal.tree]
    module = os.path.splitext(os.path.basename(origin.file))[0]
    move = _Move(scopes_around(origin.tree, node), around, module, [])
    try:
        return Known(_written(node, move), tuple(dict.fromkeys(move.imports)))
    except _Unknown:
        return Known(None)


class Written(NamedTuple):
    """An expression as it is written in a place.

    Attributes:
        text: the expression; without the arguments of its call, or "", where a name is unknown.
        is_whole: whether all names are known.
        is_same: whether it is what the origin has.
        imports: the lines that the place lacks.
    """

    text: str
    is_whole: bool
    is_same: bool
    imports: tuple[str, ...]


def written_at(origin: Place, node: ast.expr, goal: Place) -> Written:
    """Returns an expression as text for another place: see `expression_at`."""
    known = expression_at(origin, node, goal)
    if known.node is not None:
        text = ast.unparse(known.node)
        return Written(text, True, text == ast.unparse(node), known.imports)
    called = expression_at(origin, node.func, goal) if isinstance(node, ast.Call) else known
    text = f"{ast.unparse(called.node)}(...)" if called.node is not None else ""
    return Written(text, False, False, called.imports)


def node_of(where: Site | None, creation: str) -> ast.expr | None:
    """Returns the expression on a line that `creation_of` has returned."""
    tree = tree_of(where)
    if tree is None or where is None or creation.endswith("(...)"):
        return None
    wanted = "".join(creation.removeprefix("await ").split())
    text = "".join(linecache.getlines(where.file))
    found = [
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.expr) and each.lineno <= where.line <= (each.end_lineno or 0)
        if written(text, each) == wanted
    ]
    return min(found, key=lambda each: (each.lineno, each.col_offset) != (where.line, where.column), default=None)


def scopes_around(tree: ast.Module, node: ast.AST) -> list[ast.AST]:
    """Returns what has names of its own around a node, the innermost first; a default belongs to what is around."""
    found: list[ast.AST] = []
    parents = _parents(tree)
    child, parent = node, parents.get(node)
    while parent is not None:
        outside = child in _evaluated_outside(parent)
        if isinstance(parent, _SCOPES) and not outside:
            found.append(parent)
        child, parent = (child, parents.get(parent)) if outside else (parent, parents.get(parent))
    return found


def bound_in(scope: ast.AST, name: str) -> list[ast.AST]:
    """Returns what gives a name its value in a scope: an argument, a statement, or a target without one."""
    found: list[ast.AST] = []
    if isinstance(scope, (*_FUNCTIONS, ast.Lambda)):
        found += [each for each in ast.walk(scope.args) if isinstance(each, ast.arg) and each.arg == name]
    if isinstance(scope, _COMPREHENSIONS):
        targets = (each for part in scope.generators for each in ast.walk(part.target))
        return [each for each in targets if isinstance(each, ast.Name) and each.id == name]
    nodes = list(_own(scope))
    if any(isinstance(each, (ast.Global, ast.Nonlocal)) and name in each.names for each in nodes):
        return []
    return found + [each for each in nodes if _binds(each, name)]


def _binds(node: ast.AST, name: str) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return name in map(_imported, node.names)
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Store)
    return isinstance(node, (*_FUNCTIONS, ast.ClassDef, ast.ExceptHandler)) and node.name == name


def scope_of(name: str, around: Sequence[ast.AST]) -> ast.AST | None:
    """Returns the scope whose variable a name is, seen from the innermost of some; `None` for a builtin."""
    for number, scope in enumerate(around):
        if (number == 0 or not isinstance(scope, ast.ClassDef)) and bound_in(scope, name):
            return scope
    return None


def method_around(around: Sequence[ast.AST]) -> tuple[Function, ast.ClassDef] | None:
    """Returns the innermost method of some scopes, and its class."""
    for inner, outer in itertools.pairwise(around):
        if isinstance(inner, _FUNCTIONS) and isinstance(outer, ast.ClassDef):
            return inner, outer
    return None


def first_argument(function: Function) -> str:
    """Returns the name of the first argument of a method; "" for a static one."""
    given = [*function.args.posonlyargs, *function.args.args]
    is_static = any(ast.unparse(each) == "staticmethod" for each in function.decorator_list)
    return given[0].arg if given and not is_static else ""


def value_of(name: str, scope: ast.AST) -> ast.expr | None:
    """Returns the expression whose value a variable gets, where one statement alone assigns it."""
    nodes = [each for each in _own(scope) if name in _targets(each)]
    if len(nodes) != 1 or len(bound_in(scope, name)) != 1:
        return None
    value = getattr(nodes[0], "value", None)
    return value if isinstance(value, ast.expr) else None


def _is_used_once(name: str, scope: ast.AST) -> bool:
    """Returns whether code reads a variable in one place, so that nothing else changes or needs what it has."""
    loads = (each for each in ast.walk(scope) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load))
    return sum(each.id == name for each in loads) == 1


def _written(node: ast.expr, move: _Move) -> ast.expr:
    """Returns a copy of an expression with other names; raises where one has none."""
    own = {name for each in ast.walk(node) if isinstance(each, _SCOPES) for name in _names_of(each)}

    class Names(ast.NodeTransformer):
        def visit_Name(self, found: ast.Name) -> ast.expr:
            return found if found.id in own else _name(found.id, move)

        def visit_keyword(self, found: ast.keyword) -> ast.keyword:
            if found.arg in _CONNECTS and isinstance(found.value, ast.Name) and move.depth:
                scope = scope_of(found.value.id, move.origin)
                made = value_of(found.value.id, scope) if scope is not None else None
                if isinstance(made, ast.Call) and scope is not move.goal[0]:
                    found.value = _written(made, move.deeper())
                    return found
            self.generic_visit(found)
            return found

    changed: ast.expr = Names().visit(copy.deepcopy(node))
    return changed


def _name(name: str, move: _Move) -> ast.expr:
    scope = scope_of(name, move.origin)
    same = ast.Name(name, ast.Load())
    if scope is None:
        if hasattr(builtins, name) or move.origin[-1] is move.goal[-1]:
            return same
        raise _Unknown
    seen = scope_of(name, move.goal)
    if seen is scope:
        return same
    bound = bound_in(scope, name)[0]
    if isinstance(bound, (ast.Import, ast.ImportFrom)):
        return _by_import(name, bound, seen, move.imports)
    forms = (_of_module, _of_class, _of_object, _of_call, _of_variable)
    found = next(filter(None, (form(name, scope, move) for form in forms)), None) if move.depth else None
    if found is None:
        raise _Unknown
    return found


def _by_import(name: str, statement: ast.Import | ast.ImportFrom, seen: ast.AST | None, imports: list[str]) -> ast.expr:
    """The name of what the file or function of the origin imports."""
    alone = copy.copy(statement)
    alone.names = [next(each for each in statement.names if _imported(each) == name)]
    there = bound_in(seen, name) if seen is not None else []
    same = [each for each in there if isinstance(each, type(statement)) and _imports(each) & _imports(alone)]
    is_relative = isinstance(statement, ast.ImportFrom) and statement.level > 0
    if (there and not same) or (is_relative and not same):
        raise _Unknown  # another thing of that name, or one that another folder may not have
    if not same:
        imports.append(ast.unparse(alone))
    return ast.Name(name, ast.Load())


def _imports(statement: ast.AST) -> set[tuple[str, str]]:
    """Returns what a statement imports, and from where."""
    module = str(getattr(statement, "module", ""))
    return {(module, ast.unparse(each)) for each in getattr(statement, "names", ())}


def _of_module(name: str, scope: ast.AST, move: _Move) -> ast.expr | None:
    """What another module defines, where the place has imported that or it."""
    for each in _own(move.goal[-1]) if isinstance(scope, ast.Module) else ():
        if isinstance(each, ast.ImportFrom) and str(each.module).rpartition(".")[2] == move.module:
            found = next((_imported(alias) for alias in each.names if alias.name == name), "")
            if found:
                return ast.Name(found, ast.Load())
        elif isinstance(each, (ast.Import, ast.ImportFrom)):
            found = next((a.asname or a.name for a in each.names if a.name.rpartition(".")[2] == move.module), "")
            if found:
                return ast.Attribute(ast.parse(found, mode="eval").body, name, ast.Load())
    return None


def _of_class(name: str, scope: ast.AST, move: _Move) -> ast.expr | None:
    """A variable in the body of a class is an attribute elsewhere."""
    if not isinstance(scope, ast.ClassDef):
        return None
    method = method_around(move.goal)
    if method is not None and method[1] is scope and first_argument(method[0]):
        return ast.Attribute(ast.Name(first_argument(method[0]), ast.Load()), name, ast.Load())
    return ast.Attribute(_name(scope.name, move.deeper()), name, ast.Load())


def _of_object(name: str, scope: ast.AST, move: _Move) -> ast.expr | None:
    """`self`, and an argument that the object keeps, in another method of the class."""
    made, goal = method_around(move.origin), method_around(move.goal)
    if made is None or goal is None or scope is not made[0] or not _are_related(made[1], goal[1]):
        return None
    this, there = first_argument(made[0]), first_argument(goal[0])
    if not there:
        return None
    if name == this:
        return ast.Name(there, ast.Load())
    for each in _own(scope):
        kept = each.targets[0] if isinstance(each, ast.Assign) and len(each.targets) == 1 else None
        pairs = [(kept, each.value)] if isinstance(each, ast.Assign) and kept is not None else []
        if pairs and isinstance(kept, ast.Tuple) and isinstance(pairs[0][1], ast.Tuple):
            pairs = [*zip(kept.elts, pairs[0][1].elts, strict=False)]
        for target, value in pairs:
            is_name = isinstance(value, ast.Name) and value.id == name
            if is_name and isinstance(target, ast.Attribute) and ast.unparse(target.value) == this:
                return ast.Attribute(ast.Name(there, ast.Load()), target.attr, ast.Load())
    return None


def _of_call(name: str, scope: ast.AST, move: _Move) -> ast.expr | None:
    """An argument of the function that creates the client, which the place calls."""
    place = move.goal[0]
    if not isinstance(scope, _FUNCTIONS) or not isinstance(place, _FUNCTIONS):
        return None
    is_method = isinstance(move.origin[move.origin.index(scope) + 1], ast.ClassDef)
    names = [each.arg for each in (*scope.args.posonlyargs, *scope.args.args)][1 if is_method else 0 :]
    arguments = {each.arg for each in ast.walk(place.args) if isinstance(each, ast.arg)}
    for call in ast.walk(place):
        if not isinstance(call, ast.Call) or ast.unparse(call.func).rpartition(".")[2] != scope.name:
            continue
        given = {each.arg: each.value for each in call.keywords if each.arg} | dict(zip(names, call.args, strict=False))
        value = given.get(name)
        taken = [each.id for each in ast.walk(value) if isinstance(each, ast.Name)] if value is not None else []
        if value is not None and all(each in arguments or not bound_in(place, each) for each in taken):
            return copy.deepcopy(value)
    return None


def _of_variable(name: str, scope: ast.AST, move: _Move) -> ast.expr | None:
    """A variable of the function that creates the client: what it is assigned there."""
    is_own = isinstance(scope, _FUNCTIONS) and _is_used_once(name, scope)
    value = value_of(name, scope) if is_own else None
    if value is None or any(isinstance(each, (ast.Await, ast.Yield)) for each in ast.walk(value)):
        return None
    return _written(value, move.deeper())


def _are_related(one: ast.ClassDef, other: ast.ClassDef) -> bool:
    """Returns whether two classes are the same, or one names the other as its base."""
    bases = {ast.unparse(each).rpartition(".")[2] for node in (one, other) for each in node.bases}
    return one is other or bool({one.name, other.name} & bases)


def _imported(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]


def _targets(node: ast.AST) -> set[str]:
    """Returns the variables to which a statement assigns the whole of one value."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    targets = [node.target] if isinstance(node, (ast.AnnAssign, ast.NamedExpr)) else targets
    return {each.id for each in targets if isinstance(each, ast.Name)}


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Yields what is in a scope but not in one inside it."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, _SCOPES):
            yield from _own(node)


def _names_of(scope: ast.AST) -> set[str]:
    if isinstance(scope, ast.Lambda):
        return {each.arg for each in ast.walk(scope.args) if isinstance(each, ast.arg)}
    parts = scope.generators if isinstance(scope, _COMPREHENSIONS) else []
    return {each.id for part in parts for each in ast.walk(part.target) if isinstance(each, ast.Name)}


def _evaluated_outside(scope: ast.AST) -> list[ast.AST]:
    """Returns the parts of a function or class that what is around it evaluates."""
    if isinstance(scope, (*_FUNCTIONS, ast.Lambda)):
        return [scope.args, *getattr(scope, "decorator_list", ())]
    return [*scope.decorator_list, *scope.bases, *scope.keywords] if isinstance(scope, ast.ClassDef) else []


@functools.cache
def _parents(tree: ast.Module) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
