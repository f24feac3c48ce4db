"""`client-per-loop`: the variable becomes a `LoopLocal`, which makes a client for each loop and closes it there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, Rewrite, free_name, last_name
from diagnostics.rewrite.edits.references import (
    assigned_in,
    globals_of,
    is_read,
    is_shadowed,
    parameters_of,
    refers_to,
    rename_import,
)

SUMMARY = "keep one client for each loop with LoopLocal, which closes it there"

_PRIMITIVES = ("Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "Queue", "PriorityQueue", "LifoQueue")
_CACHES = ("cache", "lru_cache")


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if the program reads the client in coroutine functions only."""
    found, made = 0, list({chain[0].call: chain[0] for chain in context.chains}.values())
    for creations in (context.creations, made, _with_siblings(context.creations)):
        changes = Rewrite(context.program)
        if found < len(creations) and all(keep_per_loop(changes, place) for place in creations):
            found = len(creations)
            yield changes


def _with_siblings(creations: list[Creation]) -> list[Creation]:
    """Returns locks and the like with those that the same files make: an error of one hides those of the others."""
    found = [each for each in creations if each.closer == "pass" and each.name]
    known = {each.call for each in found}
    for place in list(found):
        for node in place.module.nodes:
            if not isinstance(node, cst.Call) or node in known or place.module.function(node) is not None:
                continue
            if last_name(node.func) in _PRIMITIVES:
                known.add(node)
                found.append(Creation(place.module, node, "pass", place.site))
    return found


def keep_per_loop(changes: Rewrite, place: Creation) -> bool:
    """Turns what holds a client into a `LoopLocal`; returns whether that is possible."""
    function = place.module.function(place.call)
    owner = place.module.class_around(place.call)
    if function is None and owner is not None:
        return _class_attribute(changes, place, owner)
    fields = _fields(changes, place)
    if fields:
        return (
            _field(changes, *fields[0]) if len(fields) == 1 else changes.no("a class has several fields with a class")
        )
    if place.statement is None:
        return changes.no(f"{place.module.place(place.call)} assigns what it creates to nothing")
    if function is not None and _is_getter(place, function):
        return _factory(changes, place, function)
    if place.attribute:
        return _attribute(changes, place)
    if place.name and function is None:
        return _variable(changes, place)
    if place.name and function is not None and place.name in globals_of(function):
        return _lazy(changes, place, function)
    return changes.no(f"no variable, attribute or cache keeps what {place.module.place(place.call)} creates")


def _local(place: Creation, changes: Rewrite) -> str:
    changes.import_tool(place.module, "LoopLocal")
    factory = f"lambda: {place.text}" if place.call.args else place.module.text(place.call.func)
    closing = {"pass": ", close=lambda _: None"}.get(place.closer, "")
    if "; " in place.closer:  # several calls, as for a process
        closing = f", close={_end(changes, place)}"
    if place.closer.count(".") and place.closer.startswith("await "):  # not one of its own methods
        closing = f", close=lambda client: client.{place.closer.removeprefix('await ')}"
    return f"LoopLocal({factory}{closing})"


def _end(changes: Rewrite, place: Creation) -> str:
    """Adds a function that makes the closing calls; returns its name."""
    module = place.module
    line = next(each for each in module.around(place.call) if each in module.tree.body)
    empty = [each for each in module.tree.body if m.matches(each, _empty(place.name))]
    name = free_name(f"close_{place.name}" if place.name else "close", module)
    calls = place.closer.split("; ")
    body = "".join(f"    {re.sub('^(await )?', lambda word: f'{word[0]}it.', each)}\n" for each in calls)
    changes.insert_before(module, next(iter(empty), line), f"async def {name}(it):\n{body}")
    return name


def _empty(name: str) -> Any:
    return m.SimpleStatementLine(body=[m.Assign([m.AssignTarget(m.Name(name))], m.Name("None"))])


def _plural(name: str, module: ParsedFile) -> str:
    taken = {node.value for node in module.nodes if isinstance(node, cst.Name)}
    many = f"{name}S" if name.isupper() else f"{name}s"
    first: tuple[str, ...] = () if name.endswith("s") else (many,)
    return next(each for each in (*first, f"{name}_per_loop", f"{name}_per_loop_") if each not in taken)


def _variable(changes: Rewrite, place: Creation) -> bool:
    name = place.name
    plural = _plural(name, place.module)
    changes.replace(place.module, place.value, _local(place, changes))
    if place.target is not None:
        changes.replace(place.module, place.target, plural)
    return all(_read_per_loop(changes, module, place.module, name, plural) for module in changes.program.modules())


def _lazy(changes: Rewrite, place: Creation, function: cst.FunctionDef) -> bool:
    """`if client is None: client = Client()` in a coroutine function, with a global variable."""
    name, module = place.name, place.module
    empty = [node for node in module.tree.body if m.matches(node, _empty(name))]
    condition = place.statement and next(
        (each for each in module.around(place.statement) if isinstance(each, cst.If)), None
    )
    local = {each.value for each in assigned_in(function)} | {each.name.value for each in function.params.params}
    used = {node.value for node in module.nodes if isinstance(node, cst.Name) and place.call in module.around(node)}
    if not empty or condition is None or function.asynchronous is None or (local - {name}) & used:
        return False
    plural = _plural(name, module)
    text = _local(place, changes)
    changes.replace_statement(module, empty[0], f"{plural} = {text}")
    changes.replace_statement(module, condition, f"{name} = await {plural}.get()")
    for node in _declarations(module, function, name):
        changes.remove(module, node)
    return all(
        _read_per_loop(changes, each, module, name, plural, beside=function) for each in changes.program.modules()
    )


def _declarations(module: ParsedFile, function: cst.FunctionDef, name: str) -> list[cst.SimpleStatementLine]:
    wanted = m.SimpleStatementLine(body=[m.Global(names=[m.NameItem(m.Name(name))])])
    return [
        node
        for node in module.nodes
        if isinstance(node, cst.SimpleStatementLine) and m.matches(node, wanted) and function in module.around(node)
    ]


def _read_per_loop(
    changes: Rewrite,
    module: ParsedFile,
    home: ParsedFile,
    name: str,
    plural: str,
    beside: cst.FunctionDef | None = None,
) -> bool:
    """Lets each coroutine function that reads a variable get the object of its loop first."""
    if module is not home and not rename_import(changes, module, home, name, plural):
        return not refers_to(module, home, name) or changes.no(
            f"{module.path} uses {name} as an attribute of its module"
        )
    readers: dict[cst.FunctionDef, None] = {}
    for node in module.nodes:
        if not (isinstance(node, cst.Name) and node.value == name and is_read(module, node)):
            continue
        function = module.function(node)
        if function is not None and is_shadowed(module, node, name):
            continue
        closing = closing_run(module, node)
        if closing is not None:
            changes.remove(module, closing)
            continue
        reader = module.coroutine(node)
        if reader is None:
            return changes.no(f"plain code uses {name} at {module.place(node)}, and a LoopLocal needs await")
        if reader is not beside:
            readers[reader] = None
    for reader in readers:
        if name in globals_of(reader):
            return changes.no(f"{reader.name.value} in {module.path} assigns {name}, too")
        changes.insert_first(module, reader, f"{name} = await {plural}.get()")
    return True


def closing_run(module: ParsedFile, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
    """Returns the statement around a variable if it is `asyncio.run(client.aclose())` in a plain function."""
    if module.coroutine(node) is not None:
        return None
    for each in module.around(node):
        if isinstance(each, cst.SimpleStatementLine):
            close = m.Call(func=m.Attribute(attr=m.OneOf(*map(m.Name, ("aclose", "close", "dispose", "disconnect")))))
            run = m.Call(args=[m.Arg(close)])
            return each if m.matches(each, m.SimpleStatementLine(body=[m.Expr(run)])) else None
    return None


def _attribute(changes: Rewrite, place: Creation) -> bool:
    """`self.client = Client()`, in `__init__` or in a coroutine method that finds it empty."""
    module, name = place.module, place.attribute
    owner = module.class_around(place.call)
    function = module.function(place.call)
    if owner is None or function is None:
        return False
    text = _local(place, changes)
    if function.name.value == "__init__":
        changes.replace(module, place.value, text)
    elif not _fill_early(changes, place, owner, function, text):
        return False
    for node in module.nodes:
        if not (isinstance(node, cst.Attribute) and node.attr.value == name and m.matches(node.value, m.Name("self"))):
            continue
        parent = module.parent(node)
        if owner not in module.around(node) or isinstance(parent, cst.AssignTarget | cst.AnnAssign):
            continue
        if not _read_attribute(changes, module, node):
            return False
    return True


def _read_attribute(changes: Rewrite, module: ParsedFile, node: cst.Attribute) -> bool:
    closing = closing_run(module, node)
    if closing is not None:
        changes.remove(module, closing)
    elif module.coroutine(node) is not None:
        changes.change(module, node, _gotten)
    elif not isinstance(module.parent(node), cst.Comparison):
        return changes.no(f"plain code uses the client at {module.place(node)}, and a LoopLocal needs await")
    return True


def _class_attribute(changes: Rewrite, place: Creation, owner: cst.ClassDef) -> bool:
    """`client = Client()` in a class, or the default of a field."""
    module = place.module
    parents = list(module.around(place.call))
    line = next((each for each in parents if isinstance(each, cst.SimpleStatementLine)), None)
    made = line.body[0] if line is not None and line in owner.body.body else None
    target = made.target if isinstance(made, cst.AnnAssign) else place.target
    is_whole = place.target is not None or isinstance(parents[0], cst.Lambda)
    if not isinstance(target, cst.Name) or not is_whole or place.awaited:
        return False
    changes.replace(module, place.call, _local(place, changes))
    if isinstance(made, cst.AnnAssign):
        kept = f"LoopLocal[{module.text(made.annotation.annotation)}]"
        changes.replace(module, made.annotation.annotation, kept)
    for each in changes.program.modules():
        for node in each.nodes:
            is_named = isinstance(node, cst.Attribute) and node.attr.value == target.value
            if is_named and not _reads_class(changes, each, node, owner):
                return False
    return True


def _fields(changes: Rewrite, place: Creation) -> list[tuple[ParsedFile, cst.ClassDef, cst.AnnAssign, cst.Arg]]:
    """Returns the fields with a class as their `default_factory`, of the data class that a call makes an object of."""
    made = m.Arg(keyword=m.Name("default_factory"), value=m.Name() | m.Attribute())
    return [
        (module, owner, line, argument)
        for module in changes.program.modules()
        for owner in module.tree.body
        if isinstance(owner, cst.ClassDef) and owner.name.value == last_name(place.call.func)
        for line in m.findall(owner.body, m.AnnAssign(target=m.Name(), value=m.Call(func=m.Name("field"))))
        for argument in m.findall(line, made)
        if isinstance(line, cst.AnnAssign) and isinstance(argument, cst.Arg) and last_name(argument.value)[:1].isupper()
    ]


def _field(changes: Rewrite, module: ParsedFile, owner: cst.ClassDef, line: cst.AnnAssign, argument: cst.Arg) -> bool:
    """`client: Client = field(default_factory=Client)` in a data class."""
    changes.import_tool(module, "LoopLocal")
    changes.replace(module, argument.value, f"lambda: LoopLocal({module.text(argument.value)})")
    changes.replace(module, line.annotation.annotation, f"LoopLocal[{module.text(line.annotation.annotation)}]")
    name = last_name(line.target)
    return all(
        _reads_class(changes, each, node, owner)
        for each in changes.program.modules()
        for node in each.nodes
        if isinstance(node, cst.Attribute) and node.attr.value == name
    )


def _reads_class(changes: Rewrite, module: ParsedFile, node: Any, owner: cst.ClassDef) -> bool:
    """Reads the attribute per loop; returns whether that is possible, or certainly another class is meant."""
    around, receiver = module.class_around(node), last_name(node.value)
    if receiver in ("self", "cls") and around is not None and around is not owner:
        return not around.bases
    is_own = receiver == owner.name.value or (receiver in ("self", "cls") and around is owner)
    return is_own and not isinstance(module.parent(node), cst.AssignTarget) and _read_attribute(changes, module, node)


def _gotten(node: cst.BaseExpression) -> cst.BaseExpression:
    got = cst.Call(cst.Attribute(node, cst.Name("get")))
    return cst.Await(got, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _fill_early(changes: Rewrite, place: Creation, owner: cst.ClassDef, function: cst.FunctionDef, text: str) -> bool:
    """Replaces `self.client = None` by the `LoopLocal`, and removes the condition that fills it."""
    module = place.module
    own = m.AssignTarget(m.Attribute(m.Name("self"), m.Name(place.attribute)))
    empty = [
        node
        for node in module.nodes
        if m.matches(node, m.Assign([own], m.Name("None"))) and owner in module.around(node)
    ]
    condition = place.statement and next(
        (each for each in module.around(place.statement) if isinstance(each, cst.If)), None
    )
    local = {each.value for each in assigned_in(function)} | {each.name.value for each in parameters_of(function)[1:]}
    used = {node.value for node in module.nodes if isinstance(node, cst.Name) and place.call in module.around(node)}
    if len(empty) != 1 or condition is None or function.asynchronous is None or local & used:
        return False
    value = empty[0]
    assert isinstance(value, cst.Assign)
    changes.replace(module, value.value, text)
    changes.change(module, condition, lambda _: cst.RemoveFromParent())
    return True


def is_cached(function: cst.FunctionDef | None) -> bool:
    """Returns whether a function keeps what it returns."""
    if function is None:
        return False
    names = [each.decorator for each in function.decorators]
    return any(last_name(each.func if isinstance(each, cst.Call) else each) in _CACHES for each in names)


def _is_getter(place: Creation, function: cst.FunctionDef) -> bool:
    """Returns whether a plain function keeps what it returns, such as in a cache, a global variable or a dictionary."""
    if place.target is None or function.asynchronous is not None:
        return place.target is None and is_cached(function)
    kept = place.module.text(place.target)
    returned = [each.value for each in m.findall(function.body, m.Return()) if isinstance(each, cst.Return)]
    if place.name and place.name not in globals_of(function):
        return False
    return bool(returned) and all(each is not None and place.module.text(each) == kept for each in returned)


def _factory(changes: Rewrite, place: Creation, function: cst.FunctionDef) -> bool:
    """What a function keeps and returns is a `LoopLocal`, and each caller gets the object of its loop."""
    changes.replace(place.module, place.value, _local(place, changes))
    name = function.name.value
    for module in changes.program.modules():
        for node in module.nodes:
            if isinstance(node, cst.Call) and last_name(node.func) == name:
                if module.coroutine(node) is None:
                    return changes.no(f"plain code calls {name} at {module.place(node)}, and a LoopLocal needs await")
                is_alone = isinstance(module.parent(node), cst.Assign | cst.AnnAssign | cst.Return | cst.Arg)
                changes.change(module, node, _gotten_alone if is_alone else _gotten)
    return True


def _gotten_alone(node: cst.BaseExpression) -> cst.BaseExpression:
    return _gotten(node).with_changes(lpar=[], rpar=[])
