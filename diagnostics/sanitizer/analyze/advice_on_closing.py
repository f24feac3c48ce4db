"""Advice for clients that only need to be closed: by the program, on their own loop, before that closes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from diagnostics.model.finding import Advice, Site
from diagnostics.sanitizer.analyze.closing_calls import (
    Closing,
    closing_method,
    generator_call,
    not_awaited,
    returned_by,
    run_of,
)
from diagnostics.sanitizer.analyze.runs import function_at, head, run_at
from diagnostics.sanitizer.analyze.scope import Place
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import (
    assigned_at,
    block,
    generator_around,
    is_local_at,
    receiver_at,
)
from diagnostics.sanitizer.analyze.whereabouts import Named, name_in, object_of, users_of

CANCEL: Final = block("task.cancel()", "await asyncio.gather(task, return_exceptions=True)")


def one_run(about: Situation) -> list[Advice]:
    """The program leaves the client open."""
    text = f"close the {about.noun} before its loop closes"
    maker, target = function_at(about.where), about.target
    stack = receiver_at(about.where, "enter_async_context") if about.is_managed else ""
    method = closing_method(about.where, stack or target, {"aclose"} if stack else _methods(about))
    if method is not None:
        return [_by_method(about, text, method)]
    if stack:
        text += f", with `{stack}`, which enters it"
        return [Advice("explicit-close", text, _in_finally([f"await {stack}.aclose()"]), about.where)]
    is_plain = maker is not None and isinstance(maker.inside, ast.FunctionDef)
    is_kept = "." in target or is_plain or (target.isidentifier() and not is_local_at(about.where))
    if about.is_made or not about.closer or maker is None or not (is_kept and maker.inside is not None):
        return [_managed(about, text, maker)]
    if target.startswith("self."):
        text += ": give the class a method that does, and await that where the program is done with it"
        code = block("async def aclose(self):", *(f"    {each}" for each in about.closing(target)))
        return [Advice("explicit-close", text, code, about.where)]
    made = returned_by(about.where)
    if made and not target:
        code = about._replace(creation=made).managed() if about.is_managed else about.managed()
        return [Advice("context-manager", text, code, about.where)]
    users = users_of(about.where, about.made_along, target) if about.where is not None and target else []
    coroutine = next((each for each in users if isinstance(each.place.inside, ast.AsyncFunctionDef)), None)
    name = coroutine.name if coroutine is not None else target if target.isidentifier() else "client"
    text += ", in the coroutine that uses it"
    if isinstance(maker.inside, ast.FunctionDef):
        text += f": `{maker.inside.name}`, which makes it, cannot wait"
    return [Advice("explicit-close", text, _in_finally(about.closing(name)), about.where)]


def _managed(about: Situation, text: str, maker: Place | None) -> Advice:
    """`async with`, where the client is made; a module cannot wait, but what it runs can."""
    run = about.findings[0].loop
    place = run_at(run.created_at) if run is not None and maker is not None and maker.inside is None else None
    there = about.at(place)
    if place is None or not (about.is_managed or about.closer) or about.is_made:
        return Advice("context-manager", text, about.managed(name=about.variable), about.where)
    code = block(*there.imports, head(place, about.variable), there.managed(indent="    ", name=about.variable))
    return Advice("context-manager", text, code, about.where)


def _in_finally(lines: Sequence[str]) -> str:
    return block("try:", "    ...", "finally:", *(f"    {each}" for each in lines))


def _by_method(about: Situation, text: str, method: Closing) -> Advice:
    """The class of the program has a method that closes the client, and nothing calls it in time."""
    client = about.findings[0].client
    held = client.held_by.name if client is not None and client.held_by is not None else ""
    name = held.rpartition(".")[0].rpartition(".")[2].removesuffix("self") or method.cls.lower()
    text += f": `{method.cls}.{method.method}` in line {method.line} does that, await it in the coroutine that uses it"
    if method.method == "__aexit__":
        return Advice("context-manager", text, f"async with {method.cls}(...) as {name}:\n    ...", about.where)
    code = block("try:", "    ...", "finally:", f"    await {name}.{method.method}()")
    return Advice("explicit-close", text, code, about.where)


def forgotten(about: Situation) -> tuple[int, str] | None:
    """Returns the line of the program that closes the client without waiting for that, and the call there."""
    return not_awaited(about.where, about.target, _methods(about)) if about.target and about.closer else None


def _methods(about: Situation) -> set[str]:
    """Returns the methods that close the client and are awaited."""
    calls = about.closing("client") if about.closer else []
    return {each.partition("(")[0].rpartition(".")[2] for each in calls if each.startswith("await ")}


def awaited(about: Situation) -> list[Advice]:
    """The program calls what closes the client, and does not wait for it."""
    line, call = forgotten(about) or (0, "")
    text = f"close the {about.noun} before its loop closes: in line {line}, the program does not wait for `{call}`"
    return [Advice("explicit-close", text, f"await {call}", about.where)]


def closes_elsewhere(about: Situation) -> bool:
    """Returns whether the program itself closes the client, on another loop than that of its connections."""
    found = about.findings[0]
    by_program = found.access is not None and found.access.trigger == "user"
    return found.kind == "cross-loop-close" and by_program and not about.is_made


def closed_elsewhere(about: Situation) -> list[Advice]:
    """The program closes the client itself, on another loop than that of its connections."""
    access = about.findings[0].access
    call = run_of(access.running.created_at if access is not None and access.running is not None else None)
    closing = [f"await {call}"] if call else about.closing(about.target or "client")
    end = [f"        {each}" for each in closing]
    code = block(about.run, "    try:", "        ...", "    finally:", *end)
    text = f"close the {about.noun} before its loop closes, at the end of the run that used it"
    return [Advice("explicit-close", text, code, about.where)]


def closing_from_outside(about: Situation, run: str, name: str = "") -> list[str]:
    """Returns the lines that close the client where no coroutine runs.

    Args:
        about: the mistake.
        run: what runs a coroutine on the client's loop, with `{}` for that.
        name: how it is named there.
    """
    calls = about.closing(name or assigned_at(about.where, about.names()[0]))
    if len(calls) == 1 and calls[0].startswith("await "):
        return [run.format(calls[0].removeprefix("await "))]
    return ["async def close():", *(f"    {each}" for each in calls), "", run.format("close()")]


def closed_by_hand(about: Situation) -> list[Advice]:
    """Plain code of the program closes the loop, and can run the client's closing on it first."""
    end = about.closed_by_hand
    loop = receiver_at(end, "close") or "loop"
    lines = closing_from_outside(about, f"{loop}.run_until_complete({{}})", _name_at(about, end))
    text = f"close the {about.noun} on its loop, before your code closes that"
    return [Advice("explicit-close", text, block(*lines, f"{loop}.close()"), end)]


def _name_at(about: Situation, line: Site | None) -> str:
    """Returns how the function of a line names the client, or ""."""
    place = function_at(line)
    if place is None or about.where is None or not about.target:
        return ""
    return name_in(place, about.target, about.where, about.made_along)


def with_runner(about: Situation) -> tuple[str, str] | None:
    """Returns how plain code names the `asyncio.Runner` of its `with`, and the client; `None` if it cannot."""
    loop = about.findings[0].loop
    end = loop.closed_at if loop is not None and loop.closed_by == "asyncio.Runner" else None
    place = function_at(end)
    name = _name_at(about, end)
    for node in ast.walk(place.tree) if place is not None and end is not None and name else ():
        if isinstance(node, ast.With) and end is not None and node.lineno <= end.line <= (node.end_lineno or 0):
            runners = (each.optional_vars for each in node.items if "Runner(" in ast.unparse(each.context_expr))
            runner = next(filter(None, runners), None)
            if runner is not None:
                return ast.unparse(runner), name
    return None


def closed_with_runner(about: Situation) -> list[Advice]:
    """Plain code runs several coroutines on one loop, with a runner."""
    runner, name = with_runner(about) or ("runner", "client")
    lines = closing_from_outside(about, f"{runner}.run({{}})", name)
    text = f"close the {about.noun} before its loop closes, at the end of the block of `{runner}`"
    return [Advice("explicit-close", text, _in_finally(lines), about.where)]


def close_on_kept_loop(about: Situation, line: Site | None, loop: str) -> tuple[str, str] | None:
    """Returns how one function names the client and the loop that a thread runs; `None` if none is known to do so.

    Args:
        about: the mistake.
        line: where the loop is made.
        loop: what that assigns it to.
    """
    maker = function_at(line)
    if about.where is None or maker is None or not about.target:
        return None
    named = users_of(about.where, about.made_along, about.target)
    module = maker._replace(inside=None)
    named.append(Named(module, name_in(module, about.target, about.where, about.made_along)))
    pairs = [(each.name, object_of(each.place, loop, maker)) for each in named if each.place.tree is maker.tree]
    known = [pair for pair in pairs if all(pair)]
    if known:  # what plain code can write comes first
        return min(known, key=lambda pair: pair[0].startswith("self."))
    own = name_in(maker, about.target, about.where, about.made_along)
    return (own, loop) if own else None


def unfinished(about: Situation) -> list[Advice]:
    """The program closes the client at the end of a block, which it did not reach before the loop closed."""
    if generator_around(about.where):
        text = "close the generator where you leave it before its end: it closes the client then"
        code = block(
            f"async with contextlib.aclosing({generator_call(about.where)}) as parts:",
            "    async for part in parts:",
            "        ...",
            "# or, in code that is not async, before its loop closes:",
            "loop.run_until_complete(parts.aclose())",
        )
        return [Advice(None, text, code, about.where)]
    text = f"await the task that creates the {about.noun} before the loop closes, or cancel it and await that"
    return [Advice(None, text, CANCEL, about.where)]
