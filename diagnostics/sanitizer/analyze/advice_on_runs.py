"""Advice for clients that the program uses in several runs: where each run makes its own, or what needs no run."""

from __future__ import annotations

import ast
from typing import Final

from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.advice_on_servers import lifespan
from diagnostics.sanitizer.analyze.hosts import BY_IMPORT, LIFESPAN
from diagnostics.sanitizer.analyze.runs import HandedOver, coroutine_call, function_at, head, runner
from diagnostics.sanitizer.analyze.scope import Place
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import block

_INDENT: Final = "    "


def in_each_run(about: Situation, text: str) -> Advice:
    """Each run creates and closes a client, in the first of its coroutine functions that knows what the client takes.

    Where none does, a new one around the coroutine may, in the function that runs it.
    """
    functions = about.coroutines
    moved = [about.at(each) for each in functions]
    chosen = next((pair for pair in zip(functions, moved, strict=True) if not pair[1].is_elided), None)
    line = runner(about.findings)
    around = function_at(line)
    if chosen is None and around is not None and around.inside is not None and not about.at(around).is_elided:
        return _around_run(about.at(around), _name(functions[0]) if functions else "", _name(around), text)
    if chosen is None:
        place, there = (functions[0], moved[0]) if functions else (None, about)
    else:
        place, there = chosen
    first = head(place, about.variable) if place is not None else "async def main():"
    if there.is_elided and about.where is not None:
        text += f", with the arguments that it has in line {about.where.line}"
    code = block(*there.imports, first, there.managed(indent=_INDENT, name=about.variable))
    return Advice("context-manager", text, code, about.where)


def _around_run(about: Situation, coroutine: str, function: str, text: str) -> Advice:
    """The function that runs a coroutine knows what the client takes, and the coroutine gets it."""
    found = coroutine_call(runner(about.findings), coroutine)
    body = "..."
    if found is not None:
        given = [ast.unparse(each) for each in (*found[1].args, *(word.value for word in found[1].keywords))]
        body = f"return await {ast.unparse(found[1])}" if about.variable in given else body
    run = f"{ast.unparse(found[0].func)}(run())" if found is not None else about.runs.replace("ask", "run")
    code = block("async def run():", about.managed(body, _INDENT, about.variable), "", run)
    text += f": in `{function}`, where its arguments are known" if coroutine else ""
    return Advice("context-manager", text, code, about.where)


def on_running_loop(about: Situation) -> list[Advice]:
    """A thread runs a loop for each call, for code of a loop that could await the call."""
    given = about.handed_over
    if given is None:
        return []
    if given.by is None:
        return [_as_coroutine(about, given)]
    runs = f"`{_name(given.function)}`" if given.function is not None else "`asyncio.run`"
    coroutine, by = _name(given.coroutine) or "your coroutine", _name(given.by)
    text = f"await `{coroutine}` in `{by}`, which has a loop: {runs} in a thread makes another one for each call"
    if about.uses(*BY_IMPORT):
        code = block(lifespan(about), "", head(given.by), f"{_INDENT}answer = await {coroutine}(...)")
        return [Advice("context-manager", f"{text}; create the client {LIFESPAN}", code, about.where)]
    if _is_entry(given.by):
        there = about.at(given.by)
        code = block(head(given.by), there.managed(f"answer = await {coroutine}(...)", _INDENT, about.variable))
        return [Advice("context-manager", f"{text}; create the client there, and close it there", code, about.where)]
    code = block(head(given.by), f"{_INDENT}answer = await {coroutine}(...)")
    text += f"; create the {about.noun} where that loop starts, and close it before it ends"
    return [Advice("context-manager", text, code, about.where)]


def _as_coroutine(about: Situation, given: HandedOver) -> Advice:
    """A framework runs a `def` function in a thread, and would await one that is `async def`."""
    function, coroutine = given.function, _name(given.coroutine)
    name = f"`{_name(function)}`" if _name(function) else "the function"
    text = f"make {name} `async def` and await {f'`{coroutine}`' if coroutine else 'your coroutine'} in it"
    first = head(function) if function is not None and function.inside is not None else "async def endpoint(request):"
    state = "request.app.state" if "request" in first else "app.state"
    code = block(lifespan(about), "", first, f"{_INDENT}client = {state}.client", f"{_INDENT}...")
    return Advice("context-manager", f"{text}; create the client {LIFESPAN}", code, about.where)


def _name(place: Place | None) -> str:
    return place.inside.name if place is not None and place.inside is not None else ""


def _is_entry(place: Place) -> bool:
    """Returns whether the module runs a coroutine function itself, without arguments, as `asyncio.run(main())`."""
    calls = (each for each in ast.walk(place.tree) if isinstance(each, ast.Call) and each.args)
    runs = [ast.unparse(each.args[0]) for each in calls if ast.unparse(each.func) in ("asyncio.run", "anyio.run")]
    return any(each.partition("(")[0] == _name(place) for each in runs)
