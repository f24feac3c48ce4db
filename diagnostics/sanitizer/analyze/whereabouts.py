"""Follows what a line makes through the calls around it: how the functions that called it name that."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from diagnostics.model.finding import Site
from diagnostics.sanitizer.analyze.runs import function_at
from diagnostics.sanitizer.analyze.scope import Function, Place, bound_in, first_argument, method_around, scopes_around
from diagnostics.sanitizer.capture.sites import is_users

_MAKERS: Final = ("__init__", "__post_init__", "__enter__", "__aenter__", "model_post_init", "__attrs_post_init__")
_RESULT: Final = "()"
"""Stands for what a function returns."""


class Named(NamedTuple):
    """How a function of the program names a thing, and the function."""

    place: Place
    name: str


def names_along(stack: Sequence[Site], target: str) -> list[Named]:
    """Returns how each function of a stack names what its innermost line makes, as far as that can be followed.

    Args:
        stack: the frames of the line that makes it, innermost first.
        target: what that line assigns it to, as `self.http`.
    """
    found: list[Named] = []
    inner: Place | None = None
    for site in (each for each in stack if is_users(each.file)):
        place = function_at(site)
        if place is None:
            break
        name = target if inner is None else _at_call(site, place, inner, found[-1].name)
        if not name:
            break
        found.append(Named(place, name))
        inner = place
    return [each for each in found if not each.name.startswith(_RESULT)]


def name_in(place: Place, name: str, made: Site, stack: Sequence[Site]) -> str:
    """Returns how a place names what a line makes, or ""; see `names_along` and `object_of`.

    Args:
        place: where it is to be named.
        name: what that line assigns it to.
        made: the line.
        stack: the frames of that line or of what it calls, innermost first.
    """
    for each in names_along(_from(made, stack), name):
        if each.place.inside is place.inside and each.place.tree is place.tree:
            return each.name
    maker = function_at(made)
    return object_of(place, name, maker) if maker is not None and maker.tree is place.tree else ""


def users_of(made: Site, stack: Sequence[Site], name: str) -> list[Named]:
    """Returns the functions around a line that can name what it makes, the outermost first, with the name."""
    return names_along(_from(made, stack), name)[::-1]


def _from(made: Site, stack: Sequence[Site]) -> Sequence[Site]:
    """Returns a stack from the frame of a line on."""
    at = next((at for at, each in enumerate(stack) if (each.file, each.line) == (made.file, made.line)), len(stack))
    return stack[at:]


def object_of(place: Place, name: str, made: Place) -> str:
    """Returns how a place names what a function of its file assigns, or keeps in its object; "" if it cannot.

    Args:
        place: where it is to be named.
        name: as the function writes it: `loop`, `self.loop`.
        made: the function.
    """
    around = [place.inside, *scopes_around(place.tree, place.inside)] if place.inside else [place.tree]
    there = [made.inside, *scopes_around(made.tree, made.inside)] if made.inside else [made.tree]
    root, _, path = name.partition(".")
    method = method_around(there)
    if method is None or root != first_argument(method[0]):
        scope = next((each for each in there if bound_in(each, root)), None)
        return name if scope is not None and scope in around else ""
    own = method_around(around)
    if own is not None and own[1] is method[1]:
        return f"{first_argument(own[0])}.{path}"
    for scope in around:
        for node in ast.walk(scope) if not isinstance(scope, ast.ClassDef) else ():
            value = node.value if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
            target = ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else ""
            is_made = isinstance(value, ast.Call) and _last(value.func) == method[1].name
            if is_made and target.isidentifier() and bound_in(scope, target):
                return f"{target}.{path}"
    return ""


def _at_call(site: Site, place: Place, inner: Place, name: str) -> str:
    """Returns how a function names what a function that it calls on a line names so."""
    function = inner.inside
    calls = [
        each
        for each in ast.walk(place.tree)
        if isinstance(each, ast.Call) and each.lineno <= site.line <= (each.end_lineno or 0)
    ]
    if function is None or not calls:
        return ""
    method = method_around([function, *scopes_around(inner.tree, function)])
    this = first_argument(method[0]) if method is not None else ""
    if method is not None and function.name in _MAKERS:
        call = next((each for each in calls if _last(each.func) in _classes(place, method[1])), None)
        path = name.removeprefix(f"{this}.") if name.startswith(f"{this}.") else ""
        return _of_value(place, call, path) if call is not None and path else ""
    call = next((each for each in calls if _last(each.func) == function.name), None)
    if call is None:
        return ""
    if this and name.startswith(f"{this}."):
        on = call.func.value if isinstance(call.func, ast.Attribute) else None
        return f"{ast.unparse(on)}.{name.removeprefix(f'{this}.')}" if on is not None else ""
    is_result = name.startswith(_RESULT)
    returned = name.removeprefix(_RESULT).removeprefix(".") if is_result else _returned(inner, function, name)
    return "" if returned is None else _of_value(place, call, returned)


def _classes(place: Place, cls: ast.ClassDef) -> set[str]:
    """Returns the names of a class and of what a file derives from it."""
    nodes = [each for each in ast.walk(place.tree) if isinstance(each, ast.ClassDef)]
    return {cls.name} | {each.name for each in nodes if cls.name in {_last(base) for base in each.bases}}


def _returned(place: Place, function: Function, name: str) -> str | None:
    """Returns the path to a variable from what its function returns, "" where it is that; `None` if there is none."""
    for node in ast.walk(function):
        value = node.value if isinstance(node, ast.Return) else None
        if value is not None and ast.unparse(value) == name:
            return ""
        if isinstance(value, ast.Call):
            kept = _kept_by(place, value, name)
            if kept:
                return kept
    return None


def _kept_by(place: Place, call: ast.Call, name: str) -> str:
    """Returns the attribute in which the object of a call of a class keeps an argument."""
    classes = [
        each for each in ast.walk(place.tree) if isinstance(each, ast.ClassDef) and each.name == _last(call.func)
    ]
    for method in (each for cls in classes for each in cls.body if isinstance(each, ast.FunctionDef)):
        if method.name != "__init__":
            continue
        names = [each.arg for each in (*method.args.posonlyargs, *method.args.args)]
        given = dict(zip(names[1:], call.args, strict=False)) | {each.arg or "": each.value for each in call.keywords}
        wanted = {each for each, value in given.items() if ast.unparse(value) == name}
        for target, value in _assigned(method):
            if isinstance(value, ast.Name) and value.id in wanted and target.startswith(f"{names[0]}."):
                return target.removeprefix(f"{names[0]}.")
    return ""


def _assigned(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            yield from ((ast.unparse(one), each) for one, each in zip(target.elts, value.elts, strict=False))
        else:
            yield ast.unparse(target), value


def _of_value(place: Place, call: ast.Call, path: str) -> str:
    """Returns how a function names an attribute of what a call in it returns."""
    parts = [part for part in (path,) if part]
    value: ast.expr = call
    for node in _around(place.tree, call):
        if isinstance(node, ast.Await):
            value = node
        elif isinstance(node, ast.Call) and value in (*node.args, *(each.value for each in node.keywords)):
            kept = _kept_by(place, node, ast.unparse(value))
            if not kept:
                return ""
            parts.insert(0, kept)
            value = node
        elif isinstance(node, ast.keyword):
            continue
        elif isinstance(node, ast.Assign) and node.value is value and len(node.targets) == 1:
            return ".".join([ast.unparse(node.targets[0]), *parts])
        elif isinstance(node, ast.Return):
            return ".".join([_RESULT, *parts])
        else:
            return ""
    return ""


def _around(tree: ast.Module, node: ast.AST) -> Iterator[ast.AST]:
    parents = {child: each for each in ast.walk(tree) for child in ast.iter_child_nodes(each)}
    parent = parents.get(node)
    while parent is not None:
        yield parent
        parent = parents.get(parent)


def _last(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]
