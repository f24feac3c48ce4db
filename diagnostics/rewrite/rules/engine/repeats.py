"""Which kept clients several runs use: of one place in a loop, of two that follow each other, or of a handler.

Two runs count only if one process makes both: functions that different commands call do not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from diagnostics.rewrite.rules.engine.processes import forks, in_process
from diagnostics.rewrite.rules.engine.runs import ClientUse, Reached, reach
from diagnostics.rewrite.rules.engine.source_file import LOOPS, CodeScope, SourceFile, dotted
from diagnostics.rewrite.rules.engine.starts import LoopRun, last_name, outside_frame, starting
from diagnostics.rewrite.rules.engine.values import ScopeFrame, ValueReader

Repetition = Literal["loop", "runs", "handler", "library", "tests", "requests"]
"""`loop`: one run in a loop; `runs`: two runs; `handler`: a run for each request, task or message; `library`: a run for
each call of a public function; `tests`: a loop for each test;
`requests`: a loop for each request of a TestClient."""

_HANDLERS: Final = frozenset(
    {
        "route",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "task",
        "shared_task",
        "actor",
        "tool",
        "on_message",
        "scheduled_job",
    }
)
_ENTRIES: Final = re.compile(
    r"^_*(a?main|cli|run|start|serve|launch|execute|entry\w*|cmd\w*|command\w*|run_\w+|handle)$"
)
_DEPTH: Final = 3
_HANDS_OVER: Final = frozenset(
    {"Thread", "to_thread", "submit", "run_in_executor", "map", "start_new_thread", "Process"}
)
"""Calls that hand a function to a thread or a process."""

_WORKERS: Final = frozenset({"submit", "map", "run_in_executor", "to_thread"})
"""Those whose threads run one function after the other."""

_CONDITIONS: Final = (ast.If, ast.IfExp, ast.ExceptHandler, ast.match_case)


@dataclass(frozen=True, eq=False)
class RunEvent:
    """A run, as one scope starts it.

    Attributes:
        node: that starts it, or the call of the function that does.
        scope: the one whose node that is.
        threaded: whether it is in a thread of its own.
        forked: whether it is in a process that is a copy of this one.
        inner: the same run, as the function starts it that the node calls.
    """

    node: ast.AST
    scope: CodeScope
    run: LoopRun
    reached: Reached
    threaded: bool = False
    forked: bool = False
    inner: RunEvent | None = None


@dataclass(frozen=True, eq=False)
class SharedUse:
    """A client that several runs use.

    Attributes:
        fork: the call between two runs that forks.
    """

    use: ClientUse
    kind: Repetition
    events: tuple[RunEvent, ...]
    fork: ast.Call | None = None


def shared_uses(reader: ValueReader) -> list[SharedUse]:
    """Returns each client that several runs use once, with the plainest way in which it is shared."""
    if "shared" not in reader.notes:
        reader.notes["shared"] = _RunIndex(reader).shared()
    found: list[SharedUse] = reader.notes["shared"]
    return found


@dataclass
class _RunIndex:
    """The runs of a tree."""

    reader: ValueReader
    own: dict[CodeScope, list[LoopRun]] = field(default_factory=dict)
    starters: dict[str, set[CodeScope]] = field(default_factory=dict)

    def shared(self) -> list[SharedUse]:
        for scope, run in starting(self.reader):
            self.own.setdefault(scope, []).append(run)
        scopes = self._with_callers()
        found: dict[ast.Call, SharedUse] = {}
        order: dict[Repetition, int] = {"loop": 0, "runs": 1, "handler": 2, "library": 3, "tests": 4, "requests": 5}
        for scope in scopes:
            events = self._events(scope, outside_frame(scope), _DEPTH)
            for shared in _shared(scope, events):
                known = found.get(shared.use.client.call)
                if known is None or order[shared.kind] < order[known.kind]:
                    found[shared.use.client.call] = shared
        return list(found.values())

    def _with_callers(self) -> list[CodeScope]:
        """Returns the scopes that start runs, and those that call them, up to a depth.

        Other files are searched only for functions whose own runs use a client that something keeps.
        """
        scopes = dict.fromkeys(self.own)
        fresh = [scope for scope in scopes if scope.is_function]
        wide = {scope for scope in fresh if any(reach(run, self.reader).uses for run in self.own[scope])}
        for _ in range(_DEPTH):
            callers: list[CodeScope] = []
            for scope in fresh:
                self.starters.setdefault(_called_as(scope), set()).add(scope)
                around = scope.parent
                callers += [around] if scope.name == "<lambda>" and around is not None else []
            kept = [scope for scope in fresh if scope in wide and scope.name != "<lambda>"]
            callers += self._naming(
                dict.fromkeys(scope.file for scope in fresh), {_called_as(scope) for scope in fresh}
            )
            found = [*self._naming(self._files(kept), {_called_as(scope) for scope in kept})] if kept else []
            fresh = [scope for scope in dict.fromkeys([*callers, *found]) if scope not in scopes]
            scopes.update(dict.fromkeys(fresh))
            wide.update(found)
            fresh = [scope for scope in fresh if scope.is_function]
        return [*scopes]

    def _files(self, kept: list[CodeScope]) -> list[SourceFile]:
        """Returns the files that name one of some functions, and its class or module."""
        names = "|".join(sorted({re.escape(_called_as(scope)) for scope in kept}))
        hints = {
            outer.name
            if (outer := scope.parent) is not None and outer.is_class
            else scope.file.module.rpartition(".")[2]
            for scope in kept
        }
        wanted = rf"\b(?:{'|'.join(sorted(map(re.escape, hints)))})\b"
        return list(self.reader.tree.matching(rf"\b(?:{names})\b", wanted, callers=True))

    @staticmethod
    def _naming(files: Iterable[SourceFile], names: set[str]) -> Iterator[CodeScope]:
        """Yields the scopes that call a function of one of some names, or hand it to a thread."""
        for file in files:
            for scope in file.scopes:
                if not names.isdisjoint(scope.words):
                    yield scope

    def _events(self, scope: CodeScope, frame: ScopeFrame, depth: int) -> list[RunEvent]:
        found = [
            RunEvent(run.node, scope, run, reach(run, self.reader, frame), run.threaded)
            for run in self.own.get(scope, ())
        ]
        for node in scope.nodes if depth else ():
            if not isinstance(node, ast.Call):
                continue
            handed = handed_function(node, scope, self.reader) if last_name(node.func) in _HANDS_OVER else None
            if handed is None and last_name(node.func) not in self.starters:
                continue
            function = handed or self.reader.callee(node, frame)
            if not isinstance(function, CodeScope) or not function.is_function or function.is_async:
                continue
            entered = self.reader.frame(node, function, frame) if handed is None else outside_frame(function)
            entered = ScopeFrame(function, entered.values, entered.parent, outside=True)
            child = handed is not None and in_process(node, scope, self.reader)
            if child and not forks(scope):
                continue
            for event in self._events(function, entered, depth - 1):
                threaded = (handed is not None and not child) or event.threaded
                reached = _lifted(event.reached, function)
                found.append(RunEvent(node, scope, event.run, reached, threaded, child or event.forked, event))
        return sorted(found, key=lambda event: (getattr(event.node, "lineno", 0), getattr(event.node, "col_offset", 0)))


def handed_function(node: ast.Call, scope: CodeScope, reader: ValueReader) -> CodeScope | None:
    """Returns the function that a call hands to a thread."""
    given = [*node.args[:2], *(each.value for each in node.keywords if each.arg in ("target", "func"))]
    for each in given:
        target = scope.file.scope_of.get(each) if isinstance(each, ast.Lambda) else reader.tree.resolve(each, scope)
        if isinstance(target, CodeScope) and target.is_function and not target.is_async:
            return target
    return None


def _called_as(scope: CodeScope) -> str:
    """Returns the name by which a call calls a function: that of the class, for a constructor."""
    return scope.parent.name if scope.name == "__init__" and scope.parent is not None else scope.name


def _lifted(reached: Reached, function: CodeScope) -> Reached:
    """Returns what a run does, without what the function around it makes anew for each call."""
    kept = {
        call: use
        for call, use in reached.uses.items()
        if use.client.home is not function and use.client.by != "object" and use.client.scope is not function
    }
    return replace(reached, uses=kept)


def _shared(scope: CodeScope, events: list[RunEvent]) -> Iterator[SharedUse]:
    handler = is_handler(scope)
    for number, event in enumerate(events):
        for call, use in event.reached.open.items():
            if event.forked or (use.client.by == "thread" and _has_own_thread(event)):
                continue
            if _in_a_loop(event, use):
                yield SharedUse(use, "loop", (event,))
            later = (
                other
                for other in events[number + 1 :]
                if (other.run is not event.run or other.node is not event.node)
                and call in {*other.reached.uses, *other.reached.closed}
                and _both_run(event, other)
            )
            second = next(later, None)
            if second is not None:
                yield SharedUse(use, "runs", (event, second), _fork(event, second))
            if handler and use.client.home is None and use.client.by != "object" and use.client.scope is not scope:
                yield SharedUse(use, "handler", (event,))
            elif event.node is event.run.node and is_for_callers(event) and use.client.home is None:
                yield SharedUse(use, "library", (event,))
    yield from _made_first(events)


def _fork(one: RunEvent, other: RunEvent) -> ast.Call | None:
    """Returns the fork between two runs of a scope."""
    if other.forked and isinstance(other.node, ast.Call):
        return other.node
    scope = one.scope
    first, second = (getattr(each.node, "lineno", 0) for each in (one, other))
    calls = (node for node in scope.nodes if isinstance(node, ast.Call) and dotted(node.func) == ["os", "fork"])
    return next((node for node in calls if first < node.lineno < second), None)


def _made_first(events: list[RunEvent]) -> Iterator[SharedUse]:
    """Yields clients that one run makes and keeps, and a later one uses."""
    for number, event in enumerate(events):
        for other in events[number + 1 :] if not event.forked else ():
            left = event.reached.made - event.reached.closed - other.reached.made
            uses = [use for call, use in other.reached.uses.items() if call in left]
            if uses and _both_run(event, other):
                yield from (SharedUse(use, "runs", (event, other), _fork(event, other)) for use in uses)


def _has_own_thread(event: RunEvent) -> bool:
    """Returns whether a run is in a thread that is made for it, which has local storage of its own."""
    if not event.threaded or (event.inner is not None and event.inner.threaded):
        return event.threaded
    return not isinstance(event.node, ast.Call) or last_name(event.node.func) not in _WORKERS


def _both_run(event: RunEvent, other: RunEvent) -> bool:
    """Returns whether a scope comes to both runs; two of one call must follow each other in the function it calls."""
    if event.node is other.node and event.inner is not None and other.inner is not None:
        return _both_run(event.inner, other.inner)
    return both_happen(event.node, other.node, event.scope.file)


def _in_a_loop(event: RunEvent, use: ClientUse) -> bool:
    file = event.scope.file
    if event.threaded and isinstance(event.node, ast.Call) and last_name(event.node.func) == "map":
        return True
    made = {use.client.origin, use.client.call}
    for around in file.above(event.node):
        if not isinstance(around, LOOPS) or around is event.run.over:
            continue
        if isinstance(around, (ast.For, ast.AsyncFor)) and _within(event.node, around.iter, file):
            continue
        if any(_within(each, around, file) for each in made if each is not None):
            return False
        return not _ends_at_once(event.node, around, file)
    return False


def _within(node: ast.AST, around: ast.AST, file: SourceFile) -> bool:
    there: ast.AST | None = node
    while there is not None and there is not around:
        there = file.parents.get(there)
    return there is around


def _ends_at_once(node: ast.AST, loop: ast.AST, file: SourceFile) -> bool:
    """Returns whether a loop is left after the node: it tries again only where something failed."""
    child, around = node, file.parents.get(node)
    while around is not None and child is not loop:
        for block in ("body", "orelse", "finalbody"):
            statements = getattr(around, block, None)
            if isinstance(statements, list) and child in statements:
                rest = statements[statements.index(child) :]
                if any(isinstance(each, (ast.Return, ast.Break, ast.Raise)) for each in rest):
                    return True
        child, around = around, file.parents.get(around)
    return False


def both_happen(one: ast.AST, other: ast.AST, file: SourceFile) -> bool:
    """Returns whether a run of a scope that comes to the second node has come to the first one, as far as it shows."""
    above = [other, *file.above(other)]
    child: ast.AST = one
    for around in file.above(one):
        if around in above:
            return _block(around, child) == _block(
                around, above[above.index(around) - 1] if around is not other else other
            )
        if isinstance(around, _CONDITIONS) and not _only_first_matters(around, other, file):
            return False
        if _ends_at_once(child, around, file):
            return False
        child = around
    return True


def _only_first_matters(around: ast.AST, other: ast.AST, file: SourceFile) -> bool:
    """Returns whether the second node is not itself under a condition: then what the first one hangs on is enough."""
    if isinstance(around, ast.ExceptHandler):
        return False
    return not any(isinstance(each, _CONDITIONS) and each is not around for each in file.above(other))


def _block(around: ast.AST, child: ast.AST) -> str:
    """Returns which of the blocks of a statement that exclude each other has a child."""
    if isinstance(around, (ast.If, ast.IfExp)):
        for name in ("body", "orelse"):
            block = getattr(around, name)
            if child is block or (isinstance(block, list) and child in block):
                return name
    if isinstance(around, ast.Try) and child in around.handlers:
        return "handlers"
    if isinstance(child, ast.match_case):
        return str(child.pattern.lineno)
    return ""


def is_handler(scope: CodeScope) -> bool:
    """Returns whether something calls a function for each request, task or message."""
    if not scope.is_function or scope.is_async:
        return False
    if any(
        (len(names) > 1 and names[-1] in _HANDLERS) or names[-1] == "shared_task"
        for e in scope.decorators()
        if (names := dotted(e))
    ):
        return True
    parameters = scope.parameters
    if scope.name.endswith("lambda_handler") or parameters[:2] == ["event", "context"]:
        return len(parameters) == 2
    return scope.parent is not None and parameters[:1] == ["request"] and "django" in scope.file.text


def is_for_callers(event: RunEvent) -> bool:
    """Returns whether a function is there to be called again and again: it returns what the run returns."""
    scope, node = event.scope, event.run.node
    if not scope.is_function or scope.is_async or scope.name.startswith("_") or _ENTRIES.match(scope.name):
        return False
    if scope.parent is not None and scope.parent.is_function:
        return False
    above = scope.file.above(node)
    results = {
        target.id for e in above if isinstance(e, ast.Assign) for target in e.targets if isinstance(target, ast.Name)
    }
    values = [each.value for each in scope.nodes if isinstance(each, ast.Return)]
    returned = {
        part.id for value in values if value is not None for part in ast.walk(value) if isinstance(part, ast.Name)
    }
    return bool(results & returned) or any(isinstance(around, ast.Return) for around in above)
