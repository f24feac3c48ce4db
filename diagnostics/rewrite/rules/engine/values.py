"""Which client an expression stands for, and whether something keeps it: a variable, a class, an object or a cache.

`fresh` values are made where they are evaluated and kept by nothing that outlives the function. What depends on
anything that the source does not say is no value: the rules are silent about it.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from diagnostics.rewrite.rules.engine.clients import ClientMaker, client_maker
from diagnostics.rewrite.rules.engine.loops import knows_loops
from diagnostics.rewrite.rules.engine.source_file import ANY_KEY, Bound, CodeScope, dotted, written
from diagnostics.rewrite.rules.engine.tree import NamedValue, OuterName, SourceTree

CACHES: Final = frozenset({"lru_cache", "cache", "cached_property", "alru_cache", "async_lru_cache", "singleton"})
RUNS: Final = frozenset({"asyncio.run", "asyncio.runners.run", "uvloop.run"})
"""What runs a coroutine on a loop of its own, and returns what that returns."""

_OF_A_LOOP: Final = re.compile(r"loop|\bid\(|thread|get_ident|task|getpid")
_DEPTH: Final = 12


@dataclass(frozen=True)
class MadeClient:
    """A client.

    Attributes:
        call: that makes it.
        scope: in which it is made.
        held: what keeps it, as the code names it; empty where nothing is known to.
        by: what that is: `variable`, `object` (any `self`), `class`, `cache` or `thread` (its local storage).
        home: the function whose variable that is; `None` for what outlives all functions.
        origin: the call that makes what is kept: the client, or the object that has it.
    """

    call: ast.Call
    scope: CodeScope
    maker: ClientMaker
    fresh: bool = True
    held: str = ""
    by: str = ""
    home: CodeScope | None = None
    origin: ast.AST | None = None


@dataclass(frozen=True)
class MadeObject:
    """An object of a class of the tree.

    Attributes:
        arguments: of its constructor that have a value.
        known: whether the code that makes it is known; else it is the `self` of a method.
    """

    cls: CodeScope
    fresh: bool = True
    arguments: tuple[tuple[str, MadeValue], ...] = ()
    known: bool = True
    held: str = ""
    home: CodeScope | None = None
    origin: ast.AST | None = None


MadeValue = MadeClient | MadeObject


@dataclass(frozen=True)
class ScopeFrame:
    """A scope with the values of its parameters.

    Attributes:
        outside: whether it runs outside the loop, so that its variables are kept while runs come and go.
    """

    scope: CodeScope
    values: tuple[tuple[str, MadeValue], ...] = ()
    parent: ScopeFrame | None = None
    outside: bool = False

    def around(self, scope: CodeScope) -> ScopeFrame | None:
        """Returns the frame of a scope among this one and those around it."""
        frame: ScopeFrame | None = self
        while frame is not None and frame.scope is not scope:
            frame = frame.parent
        return frame


@dataclass
class ValueReader:
    """Evaluates expressions of a tree.

    Attributes:
        notes: what rules share, each under a name.
    """

    tree: SourceTree
    notes: dict[str, Any] = field(default_factory=dict)
    _busy: set[tuple[ast.AST, ScopeFrame]] = field(default_factory=set)
    _done: dict[tuple[ast.AST, ScopeFrame], MadeValue | None] = field(default_factory=dict)

    def value(self, node: ast.AST | None, frame: ScopeFrame) -> MadeValue | None:
        """Returns the client or object that an expression stands for; `None` where there is none or it is unknown."""
        if node is None or not isinstance(node, _HANDLED):
            return None
        key = node, frame
        if key not in self._done:
            if key in self._busy or len(self._busy) > _DEPTH * 4:
                return None
            self._busy.add(key)
            try:
                self._done[key] = self._value(node, frame)
            finally:
                self._busy.discard(key)
        return self._done[key]

    def _value(self, node: ast.AST, frame: ScopeFrame) -> MadeValue | None:
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self.value(node.value, frame)
        if isinstance(node, ast.BoolOp):
            return self._first(node.values, frame)
        if isinstance(node, ast.IfExp):
            return self._first((node.body, node.orelse), frame)
        if isinstance(node, ast.Name):
            return self._name(node, frame)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, frame)
        if isinstance(node, ast.Call):
            return self._call(node, frame)
        if isinstance(node, ast.Subscript):
            return self._item(node, frame)
        return None

    def _first(self, nodes: Sequence[ast.AST | None], frame: ScopeFrame) -> MadeValue | None:
        return next((found for each in nodes if (found := self.value(each, frame)) is not None), None)

    def _name(self, node: ast.Name, frame: ScopeFrame) -> MadeValue | None:
        target = self.tree.name(node.id, frame.scope)
        return self._variable(target, frame) if isinstance(target, NamedValue) else None

    def _variable(self, target: NamedValue, frame: ScopeFrame) -> MadeValue | None:
        scope = target.scope
        if not scope.is_function:
            bounds = (scope.attributes if scope.is_class else scope.names).get(target.name, ())
            return self._kept(bounds, target.name, frame)
        there = frame.around(scope)
        given = dict(there.values) if there is not None else {}
        if target.name in given:
            return given[target.name]
        where = there or ScopeFrame(scope)
        values = [
            self.value(each.value, where) for each in scope.names[target.name] if each.by in ("assignment", "part")
        ]
        found = next((each for each in values if each is not None), None) or self._each(target, where)
        if found is not None and found.fresh and where.outside:
            return hold(found, target.name, "variable", scope)
        return found

    def _kept(self, bounds: Sequence[Bound], name: str, frame: ScopeFrame, by: str = "variable") -> MadeValue | None:
        """Returns the value of a name that outlives every run."""
        found = None
        for bound in bounds:
            if bound.by not in ("assignment", "part") or (bound.scope.is_function and knows_loops(bound.scope)):
                return None
            there = frame.around(bound.scope) or ScopeFrame(bound.scope)
            found = found or self.value(bound.value, there)
        return hold(found, name, by) if found is not None else None

    def _attribute(self, node: ast.Attribute, frame: ScopeFrame) -> MadeValue | None:
        target = self.tree.resolve(node, frame.scope)
        if isinstance(target, NamedValue) and not target.scope.is_function:
            return self._variable(NamedValue(target.scope, target.name), frame)
        base = self.value(node.value, frame)
        if isinstance(base, MadeObject):
            return self.attribute(base, node.attr)
        return base or self._of_thread(node, frame)

    def _of_thread(self, node: ast.Attribute, frame: ScopeFrame) -> MadeValue | None:
        """Returns what an attribute of a module's `threading.local()` has."""
        target = self.tree.resolve(node.value, frame.scope)
        if not isinstance(target, NamedValue) or target.scope.parent is not None:
            return None
        made = [getattr(each.value, "func", None) for each in target.scope.names.get(target.name, ())]
        if [self.tree.resolve(each, target.scope) for each in made] != [OuterName("threading.local")]:
            return None
        return self._kept(
            target.scope.file.items.get((target.name, f".{node.attr}"), ()), written(node), frame, "thread"
        )

    def attribute(self, base: MadeObject, name: str) -> MadeValue | None:
        """Returns the value of an attribute of an object."""
        for cls in self._classes(base.cls):
            getter = cls.inner.get(name)
            if getter is not None and getter.is_function:
                kinds = {names[-1] for each in getter.decorators() if (names := dotted(each))}
                if not kinds & {"property", "cached_property"}:
                    return None
                found = self.returned(getter, ScopeFrame(getter, (("self", base),)))
                kept = found is not None and (found.fresh is False or "cached_property" in kinds)
                return _through(found, base, name, kept=kept)
            bounds = cls.attributes.get(name, ())
            if any(bound.scope.is_function and knows_loops(bound.scope) for bound in bounds):
                return None
            for bound in bounds:
                given = base.arguments if bound.scope.name == "__init__" else ()
                values = (("self", base), *given) if bound.scope.is_function else ()
                found = self.value(bound.value, ScopeFrame(bound.scope, values)) if bound.by == "assignment" else None
                each = isinstance(bound.value, ast.Call) and dotted(bound.value.func)[-1:] in (["field"], ["Field"])
                if found is not None and bound.scope.is_class and not each:
                    return hold(found, name, "class")
                if found is not None:
                    return _through(found, base, name, kept=True)
        return None

    def _classes(self, cls: CodeScope) -> Iterator[CodeScope]:
        """Yields a class and its bases in the tree."""
        todo, seen = [cls], set[CodeScope]()
        while todo:
            each = todo.pop(0)
            if each not in seen:
                seen.add(each)
                yield each
                todo += [base for base in self.tree.bases(each) if isinstance(base, CodeScope) and base.is_class]

    def _item(self, node: ast.Subscript, frame: ScopeFrame) -> MadeValue | None:
        """Returns what `NAME["KEY"]` of a module's variable has, or `NAME[key]` if the key has nothing of a loop."""
        if not isinstance(node.value, ast.Name) or _OF_A_LOOP.search(written(node.slice)):
            return None
        target = self.tree.name(node.value.id, frame.scope)
        if not isinstance(target, NamedValue) or target.scope.parent is not None:
            return None
        if (shown := self._element(target, node.slice, written(node), frame)) is not None:
            return shown
        key = str(node.slice.value) if isinstance(node.slice, ast.Constant) else ANY_KEY
        return self._kept(target.scope.file.items.get((target.name, key), ()), written(node), frame)

    def _element(self, target: NamedValue, key: ast.expr, name: str, frame: ScopeFrame) -> MadeValue | None:
        """Returns the element with a constant key of a list, a tuple or a dictionary that a module writes out."""
        bound, *others = target.scope.names[target.name]
        if others or not isinstance(key, ast.Constant):
            return None
        value: ast.expr | None = None
        if isinstance(bound.value, (ast.List, ast.Tuple)) and isinstance(key.value, int):
            value = bound.value.elts[key.value] if -1 <= key.value < len(bound.value.elts) else None
        elif isinstance(bound.value, ast.Dict):
            pairs = zip(bound.value.keys, bound.value.values, strict=True)
            value = next((v for k, v in pairs if isinstance(k, ast.Constant) and k.value == key.value), None)
        return None if value is None else self._kept([Bound(value, "assignment", bound.scope, value)], name, frame)

    def _each(self, target: NamedValue, where: ScopeFrame) -> MadeValue | None:
        """Returns the first of a module's clients that a coroutine goes through, one after the other."""
        for bound in target.scope.names[target.name] if target.scope.is_async else ():
            node = bound.value
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
                node = node.func.value
            if bound.by != "for" or not isinstance(node, ast.Name):
                continue
            kept = self.tree.name(node.id, bound.scope)
            shown = kept.scope.names[kept.name] if isinstance(kept, NamedValue) else ()
            if isinstance(kept, NamedValue) and kept.scope.parent is None and len(shown) == 1:
                value = shown[0].value
                elements = value.values if isinstance(value, ast.Dict) else getattr(value, "elts", [])
                if (found := self._first(elements, where)) is not None:
                    return hold(found, kept.name, "variable")
        return None

    def _call(self, node: ast.Call, frame: ScopeFrame) -> MadeValue | None:
        maker = client_maker(node, frame.scope, self.tree)
        if maker is not None:
            return MadeClient(node, frame.scope, maker, origin=node)
        target = self.callee(node, frame)
        if node.args and (
            getattr(target, "dotted", "") in RUNS or getattr(node.func, "attr", "") == "run_until_complete"
        ):
            return self.value(node.args[0], frame)
        if isinstance(target, OuterName) and target.dotted.endswith((".field", ".Field")):
            return self._factory(node, frame)
        if isinstance(target, CodeScope) and target.is_class:
            start = self.tree.method(target, "__init__")
            given = self.arguments(node, start, frame, bound=True) if start is not None else ()
            if _is_singleton(target):
                return MadeObject(target, fresh=False, arguments=given, held=target.name)
            return MadeObject(target, arguments=given, origin=node)
        if isinstance(target, CodeScope):
            return self.returned(target, self.frame(node, target, frame))
        return self._derived(node, target, frame)

    def _factory(self, node: ast.Call, frame: ScopeFrame) -> MadeValue | None:
        """Returns what `default_factory` of a data class makes."""
        given = next((each.value for each in node.keywords if each.arg == "default_factory"), None)
        function = frame.scope.file.scope_of.get(given) if isinstance(given, ast.Lambda) else None
        return None if function is None else self.returned(function, ScopeFrame(function))

    def _derived(self, node: ast.Call, target: OuterName | None, frame: ScopeFrame) -> MadeValue | None:
        """Returns the client that a third-party function is given: what it returns goes on using that."""
        if (
            target is None
            or target.dotted.partition(".")[0] in sys.stdlib_module_names
            or hasattr(builtins, target.dotted)
        ):
            return None
        arguments = [*node.args, *(each.value for each in node.keywords)]
        return next((v for each in arguments if isinstance(v := self.value(each, frame), MadeClient)), None)

    def callee(self, node: ast.Call, frame: ScopeFrame) -> CodeScope | OuterName | None:
        """Returns the function or class that a call calls; `None` where that is unknown."""
        target = self.tree.resolve(node.func, frame.scope)
        if isinstance(target, (CodeScope, OuterName)):
            return target
        if isinstance(node.func, ast.Attribute):
            base = self.value(node.func.value, frame)
            if isinstance(base, MadeObject):
                return self.tree.method(base.cls, node.func.attr)
        return None

    def frame(self, node: ast.Call, function: CodeScope, frame: ScopeFrame) -> ScopeFrame:
        """Returns the frame of a function of the tree that a call enters."""
        base = self.value(node.func.value, frame) if isinstance(node.func, ast.Attribute) else None
        is_method = function.parent is not None and function.parent.is_class
        own = isinstance(base, MadeObject) and is_method
        values = self.arguments(node, function, frame, bound=own)
        if isinstance(base, MadeObject) and own and function.parameters:
            values = ((function.parameters[0], base), *values)
        return ScopeFrame(function, values, frame.around(function.parent) if function.parent is not None else None)

    def arguments(
        self, node: ast.Call, function: CodeScope, frame: ScopeFrame, *, bound: bool
    ) -> tuple[tuple[str, MadeValue], ...]:
        """Returns the parameters of a function that get a value by a call."""
        names = function.parameters[1:] if bound else function.parameters
        given = [*zip(names, node.args, strict=False), *((each.arg, each.value) for each in node.keywords)]
        values = ((name, self.value(each, frame)) for name, each in given if name is not None)
        return tuple((name, value) for name, value in values if value is not None)

    def argument(self, node: ast.Call, function: CodeScope, name: str, *, bound: bool) -> ast.expr | None:
        """Returns what a call gives for a parameter."""
        names = function.parameters[1:] if bound else function.parameters
        given = {each.arg: each.value for each in node.keywords}
        given.update(zip(names, node.args, strict=False))
        return given.get(name)

    def returned(self, function: CodeScope, frame: ScopeFrame) -> MadeValue | None:
        """Returns what a function returns, as far as it is known."""
        if any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in function.nodes):
            return None
        returns: list[ast.AST | None] = [each.value for each in function.nodes if isinstance(each, ast.Return)]
        if isinstance(function.node, ast.Lambda):
            returns = [function.node.body]
        found = self._first(returns, frame)
        if found is not None and found.fresh and is_cached(function):
            return hold(found, f"{function.name}()", "cache")
        return found


_HANDLED: Final = (ast.Await, ast.NamedExpr, ast.BoolOp, ast.IfExp, ast.Name, ast.Attribute, ast.Call, ast.Subscript)


def is_cached(function: CodeScope) -> bool:
    """Returns whether a decorator keeps what a function returns."""
    return any(names[-1] in CACHES for each in function.decorators() if (names := dotted(each)))


def _is_singleton(cls: CodeScope) -> bool:
    """Returns whether `__new__` keeps the object that it makes in the class."""
    new = cls.inner.get("__new__")
    kept = [bound for bounds in cls.attributes.values() for bound in bounds if bound.scope is new]
    return any(
        isinstance(e.value, ast.Call) and dotted(e.value.func)[-1:] == [] and "__new__" in written(e.value)
        for e in kept
    )


def hold(found: MadeValue, name: str, by: str, home: CodeScope | None = None) -> MadeValue:
    """Returns a value as kept by something."""
    if not found.fresh:
        return found
    if isinstance(found, MadeObject):
        return replace(found, fresh=False, held=name, home=home)
    return replace(found, fresh=False, held=name, by=by, home=home)


def _through(found: MadeValue | None, base: MadeObject, name: str, *, kept: bool) -> MadeValue | None:
    """Returns what an object keeps: as long as the object itself."""
    if found is None or not found.fresh or base.fresh or not kept:
        return found
    held = hold(found, f"{base.held}.{name}", "variable" if base.known else "object", base.home)
    return replace(held, origin=base.origin) if base.origin is not None else held
