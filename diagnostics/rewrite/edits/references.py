"""Who refers to a variable: the functions that read it, and the modules that import it."""

from __future__ import annotations

from typing import Any

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.program import ParsedFile, Rewrite


def readers_of(module: ParsedFile, name: str) -> list[cst.FunctionDef | None]:
    """Returns the functions that read a variable of a module; `None` for a read outside coroutine functions."""
    reads = [
        node
        for node in module.nodes
        if isinstance(node, cst.Name) and node.value == name and is_read(module, node)
        if module.function(node) is None or not is_shadowed(module, node, name)
    ]
    return list(dict.fromkeys(module.coroutine(node) for node in reads))


def refers_to(module: ParsedFile, home: ParsedFile, name: str) -> bool:
    """Returns whether a module imports a variable of another, or uses it as an attribute of that."""
    stem = home.path.removesuffix(".py").rpartition("/")[2]
    names = {stem}
    for node in module.nodes:
        if isinstance(node, cst.ImportFrom) and isinstance(node.names, cst.ImportStar):
            if module.text(node).split()[1].rpartition(".")[2] == stem and _has_name(module, name):
                return True
        elif isinstance(node, cst.ImportFrom) and m.matches(node, m.ImportFrom(module=_ending(stem))):
            aliases: Any = node.names
            if any(module.text(alias.name) == name for alias in aliases):
                return True
        elif isinstance(node, cst.ImportAlias) and m.matches(
            node, m.ImportAlias(name=_ending(stem), asname=m.AsName())
        ):
            names.add(node.evaluated_alias or stem)
    owner = m.OneOf(*map(m.Name, names)) | m.Attribute(attr=m.Name(stem))
    return any(m.matches(node, m.Attribute(value=owner, attr=m.Name(name))) for node in module.nodes)


def _ending(stem: str) -> Any:
    return m.Name(stem) | m.Attribute(attr=m.Name(stem))


def _has_name(module: ParsedFile, name: str) -> bool:
    return any(isinstance(node, cst.Name) and node.value == name for node in module.nodes)


def rename_import(changes: Rewrite, module: ParsedFile, home: ParsedFile, name: str, plural: str) -> bool:
    """Renames a variable where it is imported; returns whether the module imports it."""
    found = _imports(module, home.path.removesuffix(".py").rpartition("/")[2], name)
    for alias in found:
        changes.replace(module, alias.name, plural)
    return bool(found)


def _imports(module: ParsedFile, stem: str, name: str) -> list[cst.ImportAlias]:
    """Returns where a module imports a name of a file, without another name for it."""
    return [
        alias
        for node in module.nodes
        if isinstance(node, cst.ImportFrom) and node.module is not None and not isinstance(node.names, cst.ImportStar)
        if module.text(node.module).rpartition(".")[2] == stem
        for alias in node.names
        if alias.asname is None and module.text(alias.name) == name
    ]


def is_read(module: ParsedFile, node: cst.Name) -> bool:
    """Returns whether a name is the value of a variable, rather than assigned, declared or a keyword."""
    parent = module.parent(node)
    if isinstance(parent, cst.Attribute):
        return parent.value is node
    return not isinstance(
        parent, cst.AssignTarget | cst.Param | cst.ImportAlias | cst.NameItem | cst.FunctionDef | cst.ClassDef
    ) and not (isinstance(parent, cst.Arg) and parent.keyword is node)


def is_shadowed(module: ParsedFile, node: cst.Name, name: str) -> bool:
    """Returns whether a name belongs to a function around it."""
    return any(
        name in {each.name.value for each in parameters_of(function)}
        or (name not in globals_of(function) and name in {each.value for each in assigned_in(function)})
        for function in module.around(node)
        if isinstance(function, cst.FunctionDef)
    )


def parameters_of(function: cst.FunctionDef) -> list[cst.Param]:
    """Returns the parameters that have a name each."""
    found = function.params
    return [*found.posonly_params, *found.params, *found.kwonly_params]


def assigned_in(function: cst.FunctionDef) -> list[cst.Name]:
    """Returns the names that a function assigns."""
    targets = m.findall(function.body, m.AssignTarget(target=m.Name()) | m.AsName(name=m.Name()))
    names = [getattr(each, "target", None) or getattr(each, "name", None) for each in targets]
    loops = [each.target for each in m.findall(function.body, m.For(target=m.Name())) if isinstance(each, cst.For)]
    return [each for each in (*names, *loops) if isinstance(each, cst.Name)]


def globals_of(function: cst.FunctionDef) -> set[str]:
    """Returns the names that a function declares global."""
    found = m.findall(function.body, m.Global())
    return {item.name.value for each in found if isinstance(each, cst.Global) for item in each.names}
