"""`context-manager`: a client of the module is created and closed in the coroutine functions that runs start.

Functions between a run and the code that uses the client get it as their first argument, if every call of theirs is
known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any, Final

import libcst as cst
import libcst.matchers as m

from diagnostics.rewrite.edits.client_per_loop import closing_run
from diagnostics.rewrite.edits.context import Context, Creation
from diagnostics.rewrite.edits.program import ParsedFile, ParsedProgram, Rewrite, free_name
from diagnostics.rewrite.edits.references import assigned_in, parameters_of
from diagnostics.rewrite.edits.scope import closes, wrapped
from diagnostics.rewrite.edits.symbols import Use, imports, name_of, uses, why_fixed

SUMMARY: Final = "create the client inside each run and close it there"
HANDED: Final = "create the client inside each run, hand it to the functions that use it, and close it there"

LONGEST: Final = 12
"""Lines of a function whose indentation may change."""


def propose(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if only functions that runs start read the client."""
    plans = _plans(context, handed=False)
    if plans:
        yield from _applied(context, plans)


def hand_down(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if functions that those call read it, too, and no other code can call them."""
    plans = _plans(context, handed=True)
    if any(each.given for each in plans) and all(each.is_internal for each in plans):
        yield from _applied(context, plans)


def hand_down_anywhere(context: Context) -> Iterator[Rewrite]:
    """Yields the change, if code outside the program could call one of those functions, which need an argument now."""
    plans = _plans(context, handed=True)
    if not all(each.is_internal for each in plans):
        yield from _applied(context, plans)


def _plans(context: Context, *, handed: bool) -> list[_Plan]:
    """Returns how each client reaches its functions; nothing where that is not known of one."""
    plans = [_plan(context.program, place, handed=handed) for place in context.creations]
    found = [each for each in plans if each is not None]
    return found if len(found) == len(plans) else []


def _applied(context: Context, plans: list[_Plan]) -> Iterator[Rewrite]:
    changes = Rewrite(context.program)
    if all(each.apply(changes) for each in plans):
        yield changes


@dataclass
class _Plan:
    """How the functions that need a client get it.

    Attributes:
        place: where the module creates it.
        reads: the code that uses it.
        starts: the runs of coroutine functions that need it.
        calls: the other calls of functions that need it.
        given: the functions that get it as an argument, and their files.
        needing: all functions that need it.
        closings: runs that only close it.
        lines: the statements before which a function that creates it stands.
    """

    place: Creation
    reads: list[Use]
    starts: dict[cst.FunctionDef, list[Use]] = field(default_factory=dict)
    calls: list[Use] = field(default_factory=list)
    given: dict[cst.FunctionDef, ParsedFile] = field(default_factory=dict)
    needing: dict[cst.FunctionDef, ParsedFile] = field(default_factory=dict)
    closings: list[Use] = field(default_factory=list)
    lines: list[cst.CSTNode] = field(default_factory=list)

    @property
    def is_internal(self) -> bool:
        """Whether the functions that get it are private, or in files that cannot be imported without running."""
        return all(
            function.name.value.startswith("_")
            or module.path.endswith("__main__.py")
            or any(use.module is module and _runs_on_import(use) for use in chain(*self.starts.values()))
            for function, module in self.given.items()
        )

    def apply(self, changes: Rewrite) -> bool:
        """Adds the changes; returns whether that is possible."""
        place, home, name = self.place, self.place.module, self.place.name
        others = [each for each in changes.program.modules() if imports(changes.program, each, home, name)]
        entered = [use for function, these in self.starts.items() if function in self.given for use in these]
        whole = [function for function in self.starts if function not in self.given]
        modules = {*(self.needing[each] for each in whole), *(use.module for use in entered)}
        is_offered = any(not any(use.module is each for use in (*self.reads, *self.closings)) for each in others)
        has_factory = not is_offered and bool(others or modules - {home})
        factory = free_name(f"make_{name}", home, *others, *modules)
        if has_factory:
            made = f"{place.comments_above}def {factory}():\n    return {place.text}{place.comment}\n"
            changes.replace_statement(home, place.statement or place.call, made)
        elif not is_offered and place.statement is not None:
            changes.remove(home, place.statement)
        if modules - {home} and not has_factory:
            return changes.no(f"another file than {home.path} starts the runs, and {name} is offered to other code")
        for other in others if has_factory else ():
            _import(changes, other, imports(changes.program, other, home, name), factory if other in modules else "")
        for module in modules - {home, *others} if has_factory else ():
            source = name_of(changes.program, module, home)
            if not source:
                return changes.no(f"how {module.path} imports {home.path} is not known")
            changes.import_(module, f"from {source} import {factory}")
        bare = has_factory or is_offered or len(whole) + len(entered) > 1
        above, end = ("", "") if bare else (place.comments_above, place.comment)
        head = f"{above}async with {f'{factory}()' if has_factory else place.text} as {name}:{end}\n"
        for function in whole:
            changes.change(self.needing[function], function.body, partial(_entered, name, head))
        self._hand(changes)
        return all(self._start(changes, use, head) for use in entered)

    def _hand(self, changes: Rewrite) -> None:
        name = self.place.name
        for use in self.closings:
            changes.remove(use.module, closing_run(use.module, use.node) or use.node)
        for use in self.reads:
            if isinstance(use.node, cst.Attribute):
                changes.replace(use.module, use.node, name)
        for function, module in self.given.items():
            annotation = _annotation(self.place, function, module)
            changes.change(module, function.params, partial(_with_parameter, name, annotation))
        for use in self.calls:
            if use.call is not None:
                changes.change(use.module, use.call, partial(_with_argument, name))

    def _start(self, changes: Rewrite, use: Use, head: str) -> bool:
        """Lets a run start a coroutine function that creates the client for the one that needs it."""
        module, run, call, name = use.module, use.start, use.call, self.place.name
        if run is None or call is None or module.coroutine(run) is not None:
            return changes.no(f"{use.place} starts a run inside a coroutine function")
        outer = [each for each in module.around(run) if isinstance(module.parent(each), cst.BaseSuite | cst.Module)]
        line = outer[0] if module.function(run) is not None else outer[-1]
        if line in self.lines or any(call in each.module.around(each.node) for each in self.calls):
            return changes.no(f"{use.place} is one of several calls of one statement")
        self.lines.append(line)
        function = free_name(f"with_{name}", module)
        called = module.text(_with_argument(name, call))
        body = "".join(f"    {each}\n" for each in f"{head}    return await {called}".splitlines())
        changes.insert_before(module, line, f"async def {function}():\n{body}")
        changes.replace(module, call, f"{function}()")
        return True


def _plan(program: ParsedProgram, place: Creation, *, handed: bool) -> _Plan | None:
    """Returns how the client reaches the functions that need it; `None` where that is not known."""
    module, name, where = place.module, place.name, place.module.place(place.call)
    if module.function(place.call) is not None or module.class_around(place.call) is not None:
        return None
    if place.statement is None or not name or place.closer != "async with" or place.awaited:
        program.no(f"{where} does not assign a client that supports async with to a variable")
        return None
    found = uses(program, module, name)
    closings = [use for use in found if closing_run(use.module, use.node) is not None]
    plan = _Plan(place, [use for use in found if use not in closings], closings=closings)
    todo = [(use, "the client") for use in plan.reads]
    while todo:
        use, what = todo.pop()
        function = _outermost(use)
        if function is None or use.module.class_around(use.node) is not None:
            program.no(f"{use.place} uses {what}, and no function of a module does")
            return None
        if function in plan.needing:
            continue
        plan.needing[function] = use.module
        more = _followed(program, plan, function, handed=handed)
        if more is None:
            return None
        todo += [(each, function.name.value) for each in more]
    return plan if plan.reads and _is_free(program, plan) else None


def _followed(program: ParsedProgram, plan: _Plan, function: cst.FunctionDef, *, handed: bool) -> list[Use] | None:
    """Returns the calls of a function that needs the client, but for those that start a run with it."""
    module, name = plan.needing[function], function.name.value
    calls = uses(program, module, name)
    starts = [use for use in calls if use.start is not None and function.asynchronous is not None]
    others = [use for use in calls if use not in starts]
    value = next((use for use in others if use.call is None), None)
    if value is not None or not calls:
        program.no(f"{value.place} hands {name} on" if value else f"no run starts {name}, which uses the client")
        return None
    if starts:
        plan.starts[function] = starts
    lines = len(module.text(function.body).splitlines())
    if others or (handed and lines > LONGEST):
        why = why_fixed(program, module, function)
        if why or not handed:
            program.no(f"{name}, which uses the client, {why or f'is called at {others[0].place}'}")
            return None
        plan.given[function] = module
        plan.calls += others
    elif lines > LONGEST:
        program.no(f"{name} at {module.place(function)} is longer than {LONGEST} lines")
        return None
    return others


def _runs_on_import(use: Use) -> bool:
    around = list(use.module.around(use.node))
    is_guarded = any(isinstance(each, cst.If) and "__name__" in use.module.text(each.test) for each in around)
    return not is_guarded and use.module.function(use.node) is None


def _outermost(use: Use) -> cst.FunctionDef | None:
    around = [each for each in use.module.around(use.node) if isinstance(each, cst.FunctionDef)]
    return around[-1] if around else None


def _is_free(program: ParsedProgram, plan: _Plan) -> bool:
    """Returns whether the name means nothing else in the functions that need the client."""
    name = plan.place.name
    reads = {use.node for use in plan.reads}
    for function, module in plan.needing.items():
        own = {each.name.value for each in parameters_of(function)} | {each.value for each in assigned_in(function)}
        declared = m.findall(function.body, m.Global(names=[m.ZeroOrMore(), m.NameItem(m.Name(name)), m.ZeroOrMore()]))
        others = (
            each
            for each in module.nodes
            if isinstance(each, cst.Name) and each.value == name and each not in reads
            if not _is_part(module.parent(each), each) and function in module.around(each)
        )
        if name in own or declared or next(others, None) is not None:
            return program.no(f"{function.name.value} at {module.place(function)} has another {name}")
    renamed = next((use for use in plan.reads if isinstance(use.node, cst.Name) and use.node.value != name), None)
    return renamed is None or program.no(f"{renamed.place} has another name for {name}")


def _is_part(parent: cst.CSTNode | None, node: cst.Name) -> bool:
    """Returns whether a name is an attribute's or a keyword's."""
    if isinstance(parent, cst.Attribute):
        return parent.attr is node
    return isinstance(parent, cst.Arg) and parent.keyword is node


def _import(changes: Rewrite, module: ParsedFile, found: list[cst.ImportAlias], factory: str) -> None:
    """Renames what a module imports, or no longer imports it."""
    for alias in found:
        statement = module.parent(alias)
        if factory:
            changes.replace(module, alias.name, factory)
        elif isinstance(statement, cst.ImportFrom) and not isinstance(statement.names, cst.ImportStar):
            line = module.parent(statement)
            if len(statement.names) == 1 and isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
                changes.remove(module, line)
            else:
                changes.change(module, statement, partial(_without, alias.evaluated_name))


def _without(name: str, statement: Any) -> Any:
    kept = [each for each in statement.names if each.evaluated_name != name]
    return statement.with_changes(names=[*kept[:-1], kept[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)])


def _entered(name: str, head: str, block: Any) -> Any:
    changed = wrapped(f"{head}    pass\n", block)
    inner = changed.body[-1].body
    kept = [each for each in inner.body if not closes(each, name)] or inner.body
    return changed.with_deep_changes(inner, body=kept)


def _annotation(place: Creation, function: cst.FunctionDef, module: ParsedFile) -> cst.Annotation | None:
    """Returns the class of the client where a function of its module annotates what it gets or returns."""
    is_annotated = function.returns is not None or any(each.annotation for each in parameters_of(function))
    name = module.text(place.call.func).rpartition(".")[2]
    if module is not place.module or not is_annotated or not name[:1].isupper():
        return None
    return cst.Annotation(place.call.func)


def _with_parameter(name: str, annotation: cst.Annotation | None, parameters: Any) -> Any:
    new = cst.Param(cst.Name(name), annotation)
    which = "posonly_params" if parameters.posonly_params else "params"
    return parameters.with_changes(**{which: [new, *getattr(parameters, which)]})


def _with_argument(name: str, call: Any) -> Any:
    given = [
        each.with_changes(value=each.value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))
        if isinstance(each.value, cst.GeneratorExp) and not each.value.lpar
        else each
        for each in call.args
    ]
    return call.with_changes(args=[cst.Arg(cst.Name(name)), *given])
