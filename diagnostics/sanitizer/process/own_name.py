"""Lets a program have a module `diagnostics` of its own."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from typing import Any

from diagnostics.sanitizer.capture.imports import at_import


def give_up_name() -> None:
    """Removes this package from `sys.modules`; a program that imports it gets the same module again.

    The modules inside it stay, and import each other.
    """
    name = __name__.partition(".")[0]
    module = sys.modules.pop(name, None)
    if module is not None:
        at_import(name, _OwnName(module).found)


class _OwnName:
    """Loads the package that is loaded already, where the program would find the same one."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._spec = module.__spec__

    def found(self, spec: ModuleSpec) -> None:
        """The program imports a module of that name."""
        if spec.origin == self._spec.origin:
            spec.loader = self  # type: ignore[assignment]

    def create_module(self, _: ModuleSpec) -> Any:
        return self._module

    def exec_module(self, module: Any) -> None:
        """Runs nothing, because the module has run; removes the trace of this loader."""
        module.__spec__ = self._spec
