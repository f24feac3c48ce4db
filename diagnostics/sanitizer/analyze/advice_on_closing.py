"""Advice for clients that only need to be closed: by the program, on their own loop, before that closes."""

from __future__ import annotations

from typing import Final

from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.closing_calls import Closing, closing_method, not_awaited, returned_by, run_of
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import (
    assigned_at,
    block,
    function_around,
    generator_around,
    receiver_at,
    sync_function_around,
)

CANCEL: Final = block("task.cancel()", "await asyncio.gather(task, return_exceptions=True)")


def one_run(about: Situation) -> list[Advice]:
    """The program leaves the client open."""
    text = f"close the {about.noun} before its loop closes"
    maker, target = sync_function_around(about.where), about.target
    if not maker or about.is_made or not about.closer:
        return [Advice("context-manager", text, about.managed(name=about.variable), about.where)]
    method = closing_method(about.where, target, _methods(about))
    if method is not None:
        return [_by_method(about, text, method)]
    if target.startswith("self."):  # in a method, where `async with` is no syntax
        text += ": give the class a method that does, and await that where the program is done with it"
        code = block("async def aclose(self):", *(f"    {each}" for each in about.closing(target)))
        return [Advice("explicit-close", text, code, about.where)]
    made = returned_by(about.where)
    if made and not target:
        code = about._replace(creation=made).managed() if about.is_managed else about.managed()
        return [Advice("context-manager", text, code, about.where)]
    lines = [f"    {each}" for each in about.closing(target if target.isidentifier() else "client")]
    text += f", in the coroutine that uses it: `{maker}`, which makes it, cannot wait"
    return [Advice("explicit-close", text, block("try:", "    ...", "finally:", *lines), about.where)]


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


def closing_from_outside(about: Situation, run: str) -> list[str]:
    """Returns the lines that close the client where no coroutine runs.

    Args:
        about: the mistake.
        run: what runs a coroutine on the client's loop, with `{}` for that.
    """
    calls = about.closing(assigned_at(about.where, about.names()[0]))
    if len(calls) == 1 and calls[0].startswith("await "):
        return [run.format(calls[0].removeprefix("await "))]
    return ["async def close():", *(f"    {each}" for each in calls), "", run.format("close()")]


def closed_by_hand(about: Situation) -> list[Advice]:
    """Plain code of the program closes the loop, and can run the client's closing on it first."""
    end = about.closed_by_hand
    loop = receiver_at(end, "close") or "loop"
    lines = closing_from_outside(about, f"{loop}.run_until_complete({{}})")
    text = f"close the {about.noun} on its loop, before your code closes that"
    return [Advice("explicit-close", text, block(*lines, f"{loop}.close()"), end)]


def unfinished(about: Situation) -> list[Advice]:
    """The program closes the client at the end of a block, which it did not reach before the loop closed."""
    function = function_around(about.where)
    if generator_around(about.where) and function is not None:
        text = "close the generator where you leave it before its end: it closes the client then"
        code = block(
            f"async with contextlib.aclosing({function.name}(...)) as parts:",
            "    async for part in parts:",
            "        ...",
            "# or, in code that is not async, before its loop closes:",
            "loop.run_until_complete(parts.aclose())",
        )
        return [Advice(None, text, code, about.where)]
    text = f"await the task that creates the {about.noun} before the loop closes, or cancel it and await that"
    return [Advice(None, text, CANCEL, about.where)]
