"""Patches attributes of other libraries' classes so that the program does not notice.

A patch is one attribute of one class or module. It is applied when the module is imported, now or later, and can be
restored. An observer that raises is switched off and listed in `Patches.problems`; the program goes on.

No wrapper stays on the stack while a coroutine runs: it observes, and returns what the original returns. So tracebacks
from coroutines are the same with and without the sanitizer.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import ModuleSpec
from itertools import chain
from types import ModuleType
from typing import Any

from diagnostics.sanitizer.capture.imports import at_import, no_longer

ARGUMENTS = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS

Build = Callable[[Any, "Patch"], Any]


class Patch:
    """One attribute to replace.

    Args:
        module: module that defines the owner.
        owner: class in that module, or "" for the module itself.
        name: name of the attribute.
        build: builds the replacement from the original and this patch.
        optional: whether a missing attribute is no problem.
        inherited: whether the class inherits the attribute; the base class stays unpatched.
    """

    def __init__(
        self, module: str, owner: str, name: str, build: Build, *, optional: bool = False, inherited: bool = False
    ) -> None:
        self.module = module
        self.owner = owner
        self.name = name
        self.on = False
        self.problem: str | None = None
        self.optional = optional
        self.inherited = inherited
        self._build = build
        self._target: Any = None
        self._original: Any = None
        self._replacement: Any = None

    def __str__(self) -> str:
        return ".".join(filter(None, (self.module, self.owner, self.name)))

    def again(self) -> Patch:
        """Returns the same patch for another module of that name."""
        return Patch(self.module, self.owner, self.name, self._build, optional=self.optional, inherited=self.inherited)

    def fits(self, module: ModuleType) -> bool:
        """Returns whether this patch is not applied yet, or is applied to this module."""
        return self._target is None or self._target is (getattr(module, self.owner, None) if self.owner else module)

    def fail(self, error: BaseException) -> None:
        """Switches the observer off for good; from now on the replacement only calls the original."""
        self.on = False
        self.problem = f"{self}: {type(error).__name__}: {error}"

    def apply(self, module: ModuleType) -> None:
        """Replaces the attribute. A missing attribute is a problem, not an error."""
        if self.problem:
            return
        if self._replacement is not None:  # it could not be restored the last time
            self.on = True
            return
        try:
            target = getattr(module, self.owner) if self.owner else module
            if self.inherited:
                original = getattr(target, self.name)
            else:
                original = vars(target)[self.name] if self.name != "__new__" else vars(target).get("__new__")
            replacement = self._build(original, self)
            setattr(target, self.name, replacement)
        except (AttributeError, KeyError, TypeError) as error:
            if not self.optional:
                self.fail(error)
            return
        self._target, self._original, self._replacement = target, original, replacement
        self.on = True

    def restore(self) -> None:
        """Restores the original. If the replacement was patched in turn, it stays and only calls the original."""
        self.on = False
        if self._replacement is None:
            return
        current = vars(self._target).get(self.name)
        # A class that had a Python `__new__` once rejects arguments without one, so that one stays, idle.
        ours = getattr(current, "__func__", current) is getattr(self._replacement, "__func__", self._replacement)
        if ours and self.inherited:
            delattr(self._target, self.name)
            self._target = self._replacement = None
        elif ours and self._original is not None:
            setattr(self._target, self.name, self._original)
            self._target = self._replacement = None
        self.problem = None


def before(observe: Callable[..., None]) -> Build:
    """Builds a replacement that calls `observe(self, *arguments)`, or `observe(self)`, and then the original."""
    alone = _takes_nothing(observe)

    def build(original: Any, patch: Patch) -> Any:
        def replacement_of_nothing(self: Any) -> Any:  # as the next one; other arguments would cost a copy of them
            if patch.on:
                try:
                    observe(self)
                except Exception as error:
                    patch.fail(error)
            return original(self)

        def replacement_alone(self: Any, *args: Any, **kwargs: Any) -> Any:
            if patch.on:
                try:
                    observe(self)
                except Exception as error:
                    patch.fail(error)
            return original(self, *args, **kwargs)

        def replacement(self: Any, *args: Any, **kwargs: Any) -> Any:
            if patch.on:
                try:
                    observe(self, *args, **kwargs)
                except Exception as error:
                    patch.fail(error)
            return original(self, *args, **kwargs)

        if alone and _takes_nothing(original):
            return disguise(replacement_of_nothing, original)
        return disguise(replacement_alone if alone else replacement, original)

    return build


def _takes_nothing(method: Any) -> bool:
    """Returns whether a method takes no argument besides its object."""
    code = getattr(method, "__code__", None)
    return code is not None and not code.co_flags & ARGUMENTS and code.co_argcount + code.co_kwonlyargcount == 1


def around(start: Callable[..., Any], end: Callable[[Any, Any], None]) -> Build:
    """Builds a replacement that calls `start`, the original, and `end` with both results, also after an error."""

    def build(original: Any, patch: Patch) -> Any:
        def replacement(self: Any, *args: Any, **kwargs: Any) -> Any:
            begun = started = result = None
            if patch.on:
                try:
                    begun, started = True, start(self, *args, **kwargs)
                except Exception as error:
                    patch.fail(error)
            try:
                result = original(self, *args, **kwargs)
                return result
            finally:
                if begun and patch.on:
                    try:
                        end(started, result)
                    except Exception as error:
                        patch.fail(error)

        return disguise(replacement, original)

    return build


def built(observe: Callable[[Any], None]) -> Build:
    """Builds a `__new__` that observes each object. Unlike an `__init__`, it is in no traceback of a wrong argument."""

    def build(original: Any, patch: Patch) -> Any:
        owner = getattr(sys.modules[patch.module], patch.owner)
        create = original.__func__ if isinstance(original, staticmethod) else original

        def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807
            if create is not None:
                made = create(cls, *args, **kwargs)
            else:
                following = super(owner, cls).__new__
                made = following(cls) if following is object.__new__ else following(cls, *args, **kwargs)
            if patch.on:
                try:
                    observe(made)
                except Exception as error:
                    patch.fail(error)
            return made

        if create is None:
            # For `inspect.signature`, which asks `__new__` before `__init__`.
            __new__.__wrapped__ = owner.__init__  # type: ignore[attr-defined]
        return staticmethod(__new__)

    return build


def disguise(replacement: Any, original: Any) -> Any:
    """Makes a replacement look like the original, also to `inspect`."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(replacement, name, getattr(original, name, None))
    replacement.__wrapped__ = original
    code = getattr(original, "__code__", None)  # what is written in C has none
    if code is not None and code.co_flags & inspect.CO_COROUTINE:
        if sys.version_info >= (3, 12):
            inspect.markcoroutinefunction(replacement)
        else:
            import asyncio.coroutines

            replacement._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    return replacement


class Patches:
    """Patches that are applied and restored together."""

    def __init__(self, patches: Iterable[Patch]) -> None:
        # A module that is removed and imported again has new classes, so it gets its own set of patches.
        self._by_module: dict[str, list[list[Patch]]] = {}
        for patch in patches:
            self._by_module.setdefault(patch.module, [[]])[0].append(patch)

    @property
    def problems(self) -> list[str]:
        """Patches that failed, one line each."""
        return [patch.problem for patch in self._all() if patch.problem]

    def apply(self) -> None:
        """Patches the modules that are imported, and those that will be."""
        for name in self._by_module:
            at_import(name, self._found)
            module = sys.modules.get(name)
            if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
                self._loaded(module)

    def restore(self) -> None:
        """Restores everything that was not patched by others since."""
        for name in self._by_module:
            no_longer(name, self._found)
        for patch in reversed(list(self._all())):
            patch.restore()

    def _all(self) -> Iterator[Patch]:
        return chain.from_iterable(chain.from_iterable(self._by_module.values()))

    def _found(self, spec: ModuleSpec) -> None:
        """Patches a module once it has run."""
        loader: Any = spec.loader
        if not hasattr(loader, "__dict__") or not hasattr(loader, "exec_module"):
            return
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            # Restore the loader before the module runs, because the module may look at it.
            loader.__dict__.pop("exec_module", None)
            run(module)
            self._loaded(module)

        loader.exec_module = exec_module

    def _loaded(self, module: ModuleType) -> None:
        sets = self._by_module.get(module.__name__, [])
        fitting = next((patches for patches in sets if all(patch.fits(module) for patch in patches)), None)
        if fitting is None and sets:
            fitting = [patch.again() for patch in sets[0]]
            sets.append(fitting)
        for patch in fitting or ():
            patch.apply(module)
