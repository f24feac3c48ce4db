"""Where a function or a variable of a module is used, also by its imports in other files; who calls a function.

Names are resolved within the tree. What cannot be followed is a use that is no call, so that an edit gives up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.program import ParsedFile, ParsedProgram
from diagnostics.rewrite.edits.references import is_read, is_shadowed

_CONFIGURATION: Final = ("pyproject.toml", "setup.cfg", "setup.py")
_HOOK: Final = re.compile(r"(test|pytest)_")


class Use(NamedTuple):
    """An expression that stands for a function or a variable of a module."""

    module: ParsedFile
    node: cst.Name | cst.Attribute

    @property
    def call(self) -> cst.Call | None:
        """The call of it."""
        parent = self.module.parent(self.node)
        return parent if isinstance(parent, cst.Call) and parent.func is self.node else None

    @property
    def start(self) -> cst.Call | None:
        """The run of a loop, such as `asyncio.run(...)`, whose first argument is a call of it."""
        argument = self.module.parent(self.call) if self.call is not None else None
        run = self.module.parent(argument) if isinstance(argument, cst.Arg) else None
        if isinstance(run, cst.Call) and run.args[0] is argument and m.matches(run.func, _RUN):
            return run
        return None

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        return self.module.place(self.node)


_RUN: Final = m.Name("run") | m.Attribute(attr=m.Name("run") | m.Name("run_until_complete"))


def uses(program: ParsedProgram, home: ParsedFile, name: str) -> list[Use]:
    """Returns where code uses a name of a module, also by modules that offer it on."""
    modules = [each for each in program.modules() if name in each.names]
    homes = [home]
    for known in homes:
        homes += [each for each in modules if each not in homes and imports(program, each, known, name)]
    found = {node: Use(each, node) for known in homes for each in modules for node in _in(program, each, known, name)}
    return list(found.values())


def imports(program: ParsedProgram, module: ParsedFile, home: ParsedFile, name: str) -> list[cst.ImportAlias]:
    """Returns where a module imports a name of another."""
    return [
        alias
        for node in module.nodes
        if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar)
        if _is_module(program, module, home, _imported(module, node))
        for alias in node.names
        if alias.evaluated_name == name
    ]


def name_of(program: ParsedProgram, module: ParsedFile, home: ParsedFile) -> str:
    """Returns what a module imports another by, as its other imports show; "" if that is not known."""
    parts = _parts(home.path)
    relative = False
    for node in module.nodes:
        if not isinstance(node, cst.Import | cst.ImportFrom):
            continue
        if isinstance(node, cst.ImportFrom) and node.relative:
            relative = True
            continue
        aliases = node.names if isinstance(node, cst.Import) else ()
        for name in [each.evaluated_name for each in aliases] or [_imported(module, node)]:
            for each in program.modules():
                base = _parts(each.path)[: -len(name.split("."))]
                if _is_module(program, module, each, name) and parts[: len(base)] == base and parts[len(base) :]:
                    return ".".join(parts[len(base) :])
    folder = PurePosixPath(module.path).parts[:-1]
    if parts[: len(folder)] != folder or not (relative or len(parts) == len(folder) + 1):
        return ""
    return "." * relative + ".".join(parts[len(folder) :])


def why_fixed(program: ParsedProgram, module: ParsedFile, function: cst.FunctionDef) -> str:
    """Returns why nobody may give a function another parameter; "" if all who call it are known."""
    name = function.name.value
    if function not in module.tree.body:
        return "is no function of a module alone"
    if function.decorators:
        return "is decorated"
    if _HOOK.match(name):
        return "is called by pytest"
    if sum(isinstance(each, cst.FunctionDef) and each.name.value == name for each in module.nodes) > 1:
        return "is defined twice"
    for each in program.modules():
        is_package = PurePosixPath(each.path).name == "__init__.py" and not name.startswith("_")
        if is_package and (each is module or imports(program, each, module, name)):
            return f"is offered by {each.path}"
        for node in each.nodes:
            if isinstance(node, cst.SimpleString) and re.fullmatch(rf"(.*[.:])?{name}", str(node.evaluated_value)):
                return f"is named in a string at {each.place(node)}"
    for file in _CONFIGURATION:
        if re.search(rf":\s*{name}\b", program.text_of(file)):
            return f"is named in {file}"
    return ""


def _in(program: ParsedProgram, module: ParsedFile, home: ParsedFile, name: str) -> Iterator[cst.Name | cst.Attribute]:
    owners = {*_owners(program, module, home)}
    names = {alias.evaluated_alias or name for alias in imports(program, module, home, name)}
    names |= {name} if module is home or _has_star(program, module, home) else set()
    for node in module.nodes:
        if isinstance(node, cst.Name) and node.value in names:
            if is_read(module, node) and not is_shadowed(module, node, node.value):
                yield node
        elif isinstance(node, cst.Attribute) and node.attr.value == name and module.text(node.value) in owners:
            yield node


def _owners(program: ParsedProgram, module: ParsedFile, home: ParsedFile) -> Iterator[str]:
    """Yields the expressions that stand for another module."""
    for node in module.nodes:
        if isinstance(node, cst.Import):
            for alias in node.names:
                if _is_module(program, module, home, alias.evaluated_name):
                    yield alias.evaluated_alias or alias.evaluated_name
        elif isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
            for alias in node.names:
                name = f"{_imported(module, node)}.{alias.evaluated_name}".lstrip(".")
                if _is_module(program, module, home, name):
                    yield alias.evaluated_alias or alias.evaluated_name


def _has_star(program: ParsedProgram, module: ParsedFile, home: ParsedFile) -> bool:
    return any(
        isinstance(node, cst.ImportFrom)
        and isinstance(node.names, cst.ImportStar)
        and _is_module(program, module, home, _imported(module, node))
        for node in module.nodes
    )


def _imported(module: ParsedFile, node: Any) -> str:
    """Returns the name of the module that a statement imports from; relative ones from the root of the tree."""
    name = module.text(node.module) if node.module is not None else ""
    if not node.relative:
        return name
    folders = PurePosixPath(module.path).parts[: -len(node.relative)]
    return ".".join((*folders, *([name] if name else [])))


def _is_module(program: ParsedProgram, module: ParsedFile, home: ParsedFile, name: str) -> bool:
    """Returns whether a file is the nearest module of that name: the folders that Python looks in are not known."""
    wanted = tuple(name.split("."))
    if not name or not _is_called(home.path, wanted):
        return False
    found = [each.path for each in program.modules() if _is_called(each.path, wanted)]
    return home.path == max(found, key=lambda path: len(os.path.commonpath([f"/{path}", f"/{module.path}"])))


def _is_called(path: str, wanted: tuple[str, ...]) -> bool:
    return _parts(path)[-len(wanted) :] == wanted


def _parts(path: str) -> tuple[str, ...]:
    """Returns the names of the folders and the module."""
    parts = PurePosixPath(path.removesuffix(".py")).parts
    return parts[:-1] if parts[-1] == "__init__" else parts
