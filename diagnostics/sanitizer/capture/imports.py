"""Acts as a module is imported: one finder for the whole process.

A program may fail to import the same module in every request, and asks each finder each time: httpcore does so where
`sniffio` is not installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from typing import Any

Notice = Callable[[ModuleSpec], None]


class _Finder:
    """Finds the modules of a table with the other finders, and shows their specs to those who want them."""

    def __init__(self) -> None:
        self._notices: dict[str, list[Notice]] = {}

    def add(self, name: str, notice: Notice) -> None:
        self._notices.setdefault(name, []).append(notice)
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def remove(self, name: str, notice: Notice) -> None:
        wanted = [each for each in self._notices.pop(name, ()) if each != notice]
        if wanted:
            self._notices[name] = wanted
        if not self._notices and self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in self._notices:
            return None
        spec = self._next(name, path, target)
        if spec is not None:
            for notice in list(self._notices.get(name, ())):
                notice(spec)
        return spec

    def _next(self, name: str, path: Any, target: Any) -> ModuleSpec | None:
        """Returns what the finders after this one find; those before it have been asked."""
        finders: list[Any] = sys.meta_path
        for following in finders[finders.index(self) + 1 :] if self in finders else ():
            find = getattr(following, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec is not None:
                return spec
        return None


_FINDER = _Finder()


def at_import(name: str, notice: Notice) -> None:
    """Calls `notice` with the spec of a module whenever that is imported."""
    _FINDER.add(name, notice)


def no_longer(name: str, notice: Notice) -> None:
    """Takes that back."""
    _FINDER.remove(name, notice)
