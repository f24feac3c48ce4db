"""Finds the functions of a mistake in the program: its coroutines, what runs them, and what hands that to a thread."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

from diagnostics.model.finding import Finding, Site
from diagnostics.sanitizer.analyze.scope import Place, module_of
from diagnostics.sanitizer.analyze.sources import tree_of
from diagnostics.sanitizer.capture.sites import is_users

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_HAND_OVER: Final = ("to_thread", "run_in_executor")
_STEP: Final = "_run_once"
"""The function of a loop that runs what is due: what calls it runs the loop."""


class HandedOver(NamedTuple):
    """A run in a thread that code of a running loop waits for.

    Attributes:
        function: what that code gives to the thread; `None` where it is `asyncio.run` itself.
        coroutine: what runs there.
        by: the coroutine function that gives it; `None` for a framework.
    """

    function: Place | None
    coroutine: Place | None
    by: Place | None


def function_at(site: Site | None) -> Place | None:
    """Returns the function around a line: the one that its frame names, else the innermost; or the module."""
    place = module_of(site)
    if place is None or site is None:
        return None
    functions = [each for each in ast.walk(place.tree) if isinstance(each, _FUNCTIONS)]
    around = [each for each in functions if each.body[0].lineno <= site.line <= (each.end_lineno or 0)]
    inner = max(around, key=lambda each: (each.name == site.function, each.lineno), default=None)
    return place._replace(inside=inner)


def coroutines(findings: Sequence[Finding]) -> list[Place]:
    """Returns the coroutine functions of the program that run on the loops, those that a loop runs itself first."""
    used = [each.access for each in findings if each.access is not None]
    found = [run_at(each.running.created_at) for each in used if each.running is not None]
    found += itertools.chain.from_iterable(_of_task(each.stack) for each in used)
    found += [run_at(each.site) for each in used]
    return list(dict.fromkeys(each for each in found if each is not None))


def runner(findings: Sequence[Finding]) -> Site | None:
    """Returns the line of the program that runs a loop on which the client is used."""
    stacks = [each.access.stack for each in findings if each.access is not None]
    return next(filter(None, (next(iter(_outside(stack)), None) for stack in stacks)), None)


def run_call(findings: Sequence[Finding]) -> ast.Call | None:
    """Returns the call by which the program runs a coroutine on one of the loops, such as `asyncio.run(ask())`."""
    for call in _calls_at(runner(findings)):
        name = ast.unparse(call.func).rpartition(".")[2]
        if name in ("run", "run_until_complete") and call.args and isinstance(call.args[0], ast.Call):
            return call
    return None


def handed_over(findings: Sequence[Finding]) -> HandedOver | None:
    """Returns what code of a running loop gives to a thread, in which that runs a loop of its own."""
    for access in (each.access for each in findings if each.access is not None):
        outside, coroutine = _outside(access.stack), next(iter(_of_task(access.stack)), None)
        function = function_at(outside[-1]) if outside else None
        bottom = [each.file.replace("\\", "/") for each in access.stack[-3:]]
        if not bottom or not bottom[-1].endswith("/threading.py"):
            continue
        if bottom[0].endswith("/anyio/_backends/_asyncio.py"):
            return HandedOver(function, coroutine, None)
        given = function if outside else coroutine
        if given is None or given.inside is None or not bottom[0].endswith("/threading.py"):
            continue
        files = dict.fromkeys(each.file for each in access.stack if is_users(each.file))
        sites = [next(each for each in access.stack if each.file == file) for file in files]
        by = next(filter(None, (_hands_over(module_of(each), given.inside.name) for each in sites)), None)
        if by is not None:
            return HandedOver(function, coroutine, by)
    return None


def head(place: Place, without: str = "") -> str:
    """Returns the first line of a coroutine function, or of what a function is as one.

    Args:
        place: the function.
        without: the argument that gave it a client, which it makes itself now.
    """
    if place.inside is None:
        return "async def main():"
    given = copy.deepcopy(place.inside.args)
    plain = [*given.posonlyargs, *given.args]
    defaults = dict(zip([each.arg for each in plain[len(plain) - len(given.defaults) :]], given.defaults, strict=True))
    alone = [*zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    given.posonlyargs = [each for each in given.posonlyargs if each.arg != without]
    given.args = [each for each in given.args if each.arg != without]
    left = [each.arg for each in (*given.posonlyargs, *given.args)]
    given.defaults = [value for name, value in defaults.items() if name in left]
    given.kwonlyargs = [each for each, _ in alone if each.arg != without]
    given.kw_defaults = [value for each, value in alone if each.arg != without]
    return f"async def {place.inside.name}({ast.unparse(given)}):"


def coroutine_call(where: Site | None, name: str) -> tuple[ast.Call, ast.Call] | None:
    """Returns the call on a line that runs a coroutine function, as `asyncio.run(work())`, and that of the function."""
    for call in _calls_at(where):
        made = call.args[0] if call.args else None
        if isinstance(made, ast.Call) and ast.unparse(made.func).rpartition(".")[2] == name:
            return call, made
    return None


def _calls_at(where: Site | None) -> list[ast.Call]:
    tree = tree_of(where)
    nodes = ast.walk(tree) if tree is not None else ()
    calls = (each for each in nodes if isinstance(each, ast.Call))
    return [each for each in calls if where is not None and each.lineno <= where.line <= (each.end_lineno or 0)]


def run_at(where: Site | None) -> Place | None:
    """Returns the coroutine function that a line runs, as in `asyncio.run(work())`."""
    place = module_of(where)
    if place is None or where is None:
        return None
    given = [each.args[0] for each in _calls_at(where) if each.args]
    names = {ast.unparse(each.func).rpartition(".")[2] for each in given if isinstance(each, ast.Call)}
    nodes = ast.walk(place.tree)
    found = [each for each in nodes if isinstance(each, ast.AsyncFunctionDef) and each.name in names]
    return place._replace(inside=found[0]) if len(found) == 1 else None


def _of_task(stack: Sequence[Site]) -> list[Place]:
    """Returns the program's coroutine functions on a stack, the one that the loop runs first."""
    inside = [*itertools.takewhile(lambda each: each.function != _STEP, stack)]
    functions = (function_at(each) for each in reversed(inside) if is_users(each.file))
    return [each for each in functions if each is not None and isinstance(each.inside, ast.AsyncFunctionDef)]


def _outside(stack: Sequence[Site]) -> list[Site]:
    """Returns the lines of the program that run the loop of a stack, the innermost first."""
    inside = sum(1 for _ in itertools.takewhile(lambda each: each.function != _STEP, stack))
    return [each for each in stack[inside:] if is_users(each.file)]


def _hands_over(place: Place | None, name: str) -> Place | None:
    """Returns the coroutine function of a file that gives a function of that name to a thread."""
    for function in ast.walk(place.tree) if place is not None else ():
        if place is None or not isinstance(function, ast.AsyncFunctionDef):
            continue
        calls = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
        hands = [each for each in calls if ast.unparse(each.func).rpartition(".")[2] in _HAND_OVER]
        nodes = [each for call in hands for given in call.args for each in ast.walk(given)]
        if name in {getattr(each, "id", getattr(each, "attr", "")) for each in nodes}:
            return place._replace(inside=function)
    return None
