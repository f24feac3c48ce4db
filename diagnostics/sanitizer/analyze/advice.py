"""Chooses the change to suggest: one that fits the kind of program, and that the program does not make already.

One table, a row a situation. The first row that matches gives the advice. Names of fixes are those of the matrix, and
`model.cures` ranks them by what the matrix measured.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from diagnostics.model.cures import rank
from diagnostics.model.errors import PROGRAM
from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.advice_in_tests import (
    anyio_plugin,
    closed_in_fixture,
    pytest_asyncio,
    unittest,
    wide_fixture,
)
from diagnostics.sanitizer.analyze.advice_on_closing import (
    CANCEL,
    awaited,
    close_on_kept_loop,
    closed_by_hand,
    closed_elsewhere,
    closed_with_runner,
    closes_elsewhere,
    closing_from_outside,
    forgotten,
    one_run,
    unfinished,
    with_runner,
)
from diagnostics.sanitizer.analyze.advice_on_runs import in_each_run, on_running_loop
from diagnostics.sanitizer.analyze.advice_on_servers import is_served, on_server, view, with_test_client
from diagnostics.sanitizer.analyze.advice_on_threads import (
    awaited_where_made,
    given_back,
    handed_over,
    is_with_thread,
)
from diagnostics.sanitizer.analyze.closing_calls import generator_call
from diagnostics.sanitizer.analyze.phrasing import AWAITED, BLOCKED, OTHER_LOOP, THREAD, UNENDED
from diagnostics.sanitizer.analyze.runs import run_call
from diagnostics.sanitizer.analyze.scope import module_of
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import (
    assigned_at,
    block,
    closes_at_end,
    generator_around,
    is_entered,
    with_imports,
)
from diagnostics.sanitizer.capture.sites import in_stdlib

_TASK_QUEUES: Final = ("celery", "rq", "dramatiq")
_RUNTIME: Final = "awslambdaric"
_VIEWS: Final = ("flask", "django")

Rule = tuple[Callable[[Situation], bool], Callable[[Situation], list[Advice]]]


def advise(about: Situation) -> tuple[Advice, ...]:
    """Returns the changes that cure a root cause, the best first."""
    is_unclosable = about.is_own_class and not about.closer
    about = about._replace(closer="await aclose()") if is_unclosable else about
    for applies, advice in RULES:
        if applies(about):
            where = about.where or about.findings[0].fault.site
            ranked = sorted(advice(about), key=lambda each: rank(each.fix))
            if about.without_pool:
                text = f"or keep the {about.noun} for all runs, and no connections: each use opens one and closes it"
                ranked.append(Advice(None, text, about.without_pool, about.where))
            if is_unclosable and ".aclose()" in ranked[0].code:
                text = f"give {about.client} a method `aclose()` that closes what it opens; {ranked[0].text}"
                ranked[0] = replace(ranked[0], text=text)
            if _is_third_party(about):
                ranked.append(Advice(None, f"report it to {about.component}: {about.findings[0].fault.why}", "", None))
            return tuple(replace(each, code=with_imports(each.code, where)) for each in ranked)
    return ()


_GET: Final = f"{PROGRAM} async-tools > async_tools.py   # once"
_IMPORTED: Final = (f"# {_GET}", "from async_tools import run_sync", "")
_RUN_SYNC: Final = block(*_IMPORTED, "answer = run_sync(ask())  # instead of asyncio.run(ask())")


def _plain(text: str, fix: str | None = None, code: str = "") -> Callable[[Situation], list[Advice]]:
    return lambda about: [Advice(fix, text, code, about.findings[0].fault.site)]


def _stream(about: Situation) -> list[Advice]:
    access = about.findings[0].access
    where = access.site if access is not None else None
    around = generator_around(where)
    text = (
        "close the stream where you stop reading it: use `async with`, or call its `aclose()` or `close()` in `finally`"
    )
    if around == "yields in finally":
        text = (
            "do not `yield` in the `finally` of an async generator: where the generator is closed early, that `yield`"
            " raises RuntimeError and the clean-up stops; yield it after the block, which closes the stream"
        )
    first = Advice(None, text, _reading(about, "yield part" if around else "..."), where)
    if not around:
        return [first]
    code = (
        f"async with contextlib.aclosing({generator_call(where)}) as parts:",
        "    async for part in parts:",
        "        ...",
    )
    return [first, Advice(None, "close a generator that you leave before its end, too", block(*code), None)]


def _kept_loop_itself(about: Situation) -> list[Advice]:
    """The program, or an object that it keeps, uses the loop of an earlier run while another one runs."""
    access = about.findings[0].access
    stack = access.stack if access is not None else ()
    inside = [*itertools.takewhile(lambda each: in_stdlib(each.file), stack)]
    direct = inside and all(each.file.endswith("base_events.py") for each in inside)
    text = "create what keeps the loop inside each run, and await its tasks there"
    code = ""
    if direct:
        text = "ask for the loop where you use it, and keep none over several runs"
        code = f"asyncio.get_running_loop().{inside[-1].function}(...)"
    return [Advice(None, text, code, access.site if access is not None else None)]


def _reading(about: Situation, body: str) -> str:
    library = about.library
    is_persons = about.is_created  # or its stream may be wrapped
    if library is not None and library.stream and is_persons:
        return block(f"{library.stream} await ... as stream:", "    async for part in stream:", f"        {body}")
    close = "await stream.close()" if library is not None and library.stream else "await stream.aclose()"
    loop = ("try:", "    async for part in stream:", f"        {body}", "finally:", f"    {close}")
    return block("stream = await ...", *loop)


def _third_party_loop(about: Situation) -> list[Advice]:
    package = about.component
    text = (
        f"{package} runs your coroutine on a loop of its own, and the {about.noun} belongs to yours: await the"
        f" coroutine directly, or have it create and close a {about.noun} of its own"
    )
    access = about.findings[0].access
    return [Advice(None, text, "", access.site if access is not None else None)]


def _third_party_client_and_loop(about: Situation) -> list[Advice]:
    package, runners = about.component, sorted(_runners(about) - {about.component})
    runs = f"{' and '.join(runners)} runs" if runners else "runs"
    text = (
        f"{package} keeps one client and {runs} each of these calls on a loop of its own; you can work around it here:"
        " await the async functions behind these calls on one loop that you keep"
    )
    return [Advice(None, text, "", None)]


def _runners(about: Situation) -> set[str]:
    """Returns the packages that create a loop for each call: all loops, or one is of the package with the client."""
    found = {maker.partition(" in ")[2] for maker in about.makers}
    is_each = about.is_used_elsewhere and "" not in found
    return found - {""} if is_each or about.component in found else set()


def _third_party_client(about: Situation) -> list[Advice]:
    package = about.component
    if not about.is_used_elsewhere:
        text = (
            f"{package} makes the {about.noun} and leaves it open; you can work around it here: pass {package} one of"
            " yours, if it takes one, and close that, or call what it offers to close its own"
        )
        return [Advice(None, text, "", about.where)]
    text = (
        f"{package} keeps the {about.noun}; you can work around it here: run every call that uses it on one loop that"
        f" stays open (`run_sync`), or close its {about.noun} before each loop closes, if it offers that"
    )
    run, code = run_call(about.findings), _RUN_SYNC
    if run is not None:
        now, before = f"run_sync({ast.unparse(run.args[0])})", ast.unparse(run.func)
        code = block(*_IMPORTED, f"answer = {now}  # instead of {before}(...)")
    return [Advice("background-loop", text, code, None)]


_MANY_RUNS: Final = "many short runs? keep one loop and one client: `run_sync` with `LoopLocal`"


def _one_loop(about: Situation, text: str = _MANY_RUNS, instead: str = "") -> Advice:
    instead = instead or about.runs
    if about.is_made:
        text = f"many short runs? keep one loop for the {about.noun}, and close that with `run_sync` too"
        return Advice("background-loop", text, _RUN_SYNC, about.where)
    code = block(
        f"# {_GET}",
        "from async_tools import LoopLocal, run_sync",
        "",
        f"clients = LoopLocal(lambda: {about.at(module_of(about.where)).creation.removeprefix('await ')})",
        "",
        "async def ask():",
        "    client = await clients.get()",
        "    ...",
        "",
        f"run_sync(ask())  # instead of {instead}",
    )
    return Advice("background-loop", text, code, about.where)


def _several_runs(about: Situation) -> list[Advice]:
    own = in_each_run(about, f"{about.create} inside each run and close it there")
    return [own, *([_one_loop(about)] if about.is_used_elsewhere else [])]


def _created_in_coroutine(about: Situation) -> list[Advice]:
    """A lock, event or queue that several loops use."""
    made = about.creation if about.creation.partition("(")[0].endswith(about.client) else ""
    name = assigned_at(about.where, "").rpartition(".")[2]
    made = f"asyncio.{about.client}()" if not made or not about.is_created else made
    code = block(about.run, f"    {name} = {made}", "    ...") if name.isidentifier() else ""
    text = "create it in the coroutine that uses it, or keep one loop for the whole program"
    return [Advice(None, text, code, about.findings[0].fault.site)]


def _without_closer(about: Situation) -> list[Advice]:
    text = (
        f"{about.client} offers nothing that closes it: give it a client of yours and close that, or keep one loop and"
        " one client for the whole program (`run_sync`)"
    )
    return [Advice("background-loop", text, _RUN_SYNC, about.where)]


def _kept_loop(about: Situation) -> list[Advice]:
    """The program runs a loop in a thread: the client is used there, and closed there before the loop stops."""
    kept = about.kept_loop
    runs = kept is not None and "asyncio.run" in str(kept.created_by).lower()  # then that line makes no variable
    line = kept.created_at if kept is not None and not runs else None
    loop = assigned_at(line, "loop")
    name, loop = close_on_kept_loop(about, line, loop) or ("", loop)
    close = closing_from_outside(about, f"asyncio.run_coroutine_threadsafe({{}}, {loop}).result()", name)
    if not about.is_used_elsewhere:
        text = f"close the {about.noun} on that loop, which your program keeps in a thread, before you stop it"
        return [Advice("explicit-close", text, block(*close), about.where)]
    text = (
        f"use the {about.noun} only on the loop that your program keeps in a thread: give it every call, and close the"
        f" {about.noun} there before you stop it"
    )
    call = f"asyncio.run_coroutine_threadsafe(ask(), {loop})"
    is_run = bool(about.makers & {"asyncio.run", "asyncio.Runner"}) and not about.made_by(" in ")
    instead = f"{call}.result()  # instead of asyncio.run(ask())" if is_run else f"await asyncio.wrap_future({call})"
    return [Advice(None, text, block(f"answer = {instead}", "", *(close if is_run else ())), about.where)]


def _in_thread_of_loop(about: Situation) -> list[Advice]:
    one_loop = "or keep the thread: `run_sync` runs all its calls on one loop, with one client"
    return [*on_running_loop(about), _one_loop(about, one_loop)]


def _notebook(about: Situation) -> list[Advice]:
    text = "await your coroutine in the cell instead of `asyncio.run`: the kernel has one loop that stays open"
    code = block(f"client = {about.creation}", "await ask(client)  # in the cell: the kernel's loop stays open")
    return [Advice("single-run", text, code, about.where)]


def _per(what: str) -> Callable[[Situation], list[Advice]]:
    def advice(about: Situation) -> list[Advice]:
        why = ": each one runs a loop of its own" if about.loops > 1 and len(about.makers) == 1 else ""
        own = f"create and close the {about.noun} inside {what}{why}"
        # A loop that a package makes is not the program's to keep.
        one_loop = [_one_loop(about)] if about.is_used_elsewhere and not about.made_by(" in ") else []
        return [in_each_run(about, own), *one_loop]

    return advice


def _in_child(about: Situation) -> list[Advice]:
    there = about.at(next(iter(about.coroutines), None))
    code = block(about.run, there.managed(indent="    ", name=about.variable)) if about.is_created else ""
    return [Advice(None, "create the client in the child, after the fork", code, about.findings[0].fault.site)]


def _bridge(about: Situation) -> list[Advice]:
    text = "`async_to_sync` runs each call on a loop of its own: call `run_sync`, which keeps one loop for one client"
    return [_one_loop(about, text, "async_to_sync(ask)()")]


def _is_third_party(about: Situation) -> bool:
    return about.component != "user"


RULES: Final[tuple[Rule, ...]] = (
    (
        lambda about: about.kinds == {"loop-closed-by-gc"} and _is_third_party(about),
        lambda about: [Advice(None, f"{about.component} makes the loop: your code has nothing to close", "", None)],
    ),
    (
        lambda about: about.kinds == {"loop-closed-by-gc"},
        _plain(
            "close the loop where it is created: use `asyncio.run`, or `loop.close()` in a `finally`",
            "single-run",
            "asyncio.run(main())",
        ),
    ),
    (
        lambda about: "pending-task-destroyed" in about.kinds,
        _plain("await the task before the loop closes, or cancel it and await that", None, CANCEL),
    ),
    (lambda about: "inherited-connection" in about.kinds, _in_child),
    (lambda about: about.findings[0].kind == "abandoned-stream", _stream),
    (lambda about: about.findings[0].fault.why == THREAD, handed_over),
    (lambda about: about.findings[0].fault.why == AWAITED, awaited_where_made),
    (
        lambda about: (not about.client or about.is_primitive) and "cross-loop-use" in about.kinds,
        _created_in_coroutine,
    ),
    (
        lambda about: about.findings[0].fault.why == UNENDED and about.component == "user",
        _plain(
            "let the task end when it is cancelled: raise `CancelledError` again",
            code="except asyncio.CancelledError:\n    raise",
        ),
    ),
    (
        lambda about: about.findings[0].fault.why == BLOCKED,
        _plain("`await` it on its loop; elsewhere, wait only while a thread runs it", "background-loop", _RUN_SYNC),
    ),
    (
        lambda about: about.findings[0].fault.why == UNENDED,
        _plain("close what started the task before the run ends, in that run"),
    ),
    (
        lambda about: not about.client and about.findings[0].kind == "use-after-loop-close" and about.loops > 1,
        _kept_loop_itself,
    ),
    (
        lambda about: not about.client,
        _plain("before a loop closes, await or cancel its tasks and close its transports and processes"),
    ),
    (
        lambda about: _is_third_party(about) and about.findings[0].fault.why == OTHER_LOOP,
        _third_party_loop,
    ),
    (lambda about: _is_third_party(about) and bool(_runners(about)), _third_party_client_and_loop),
    (_is_third_party, _third_party_client),
    (
        lambda about: (
            not about.is_used_elsewhere
            and (is_entered(about.where) or (closes_at_end(about.where) and not about.in_fixture))
        ),
        unfinished,
    ),
    (lambda about: about.in_fixture and about.is_used_elsewhere and not about.has_function_scope, wide_fixture),
    (lambda about: about.in_fixture and not about.is_used_elsewhere, closed_in_fixture),
    (lambda about: about.in_test and not about.is_used_elsewhere and bool(about.closer), one_run),
    (lambda about: about.made_by("pytest-asyncio"), pytest_asyncio),
    (lambda about: about.is_used_elsewhere and about.handed_over is not None, _in_thread_of_loop),
    (lambda about: about.made_by("portal of TestClient"), with_test_client),
    (lambda about: about.made_by("anyio, ") and about.uses("pytest"), anyio_plugin),
    (lambda about: about.made_by("IsolatedAsyncioTestCase"), unittest),
    (lambda about: about.kept_loop is not None and bool(about.closer) and not about.is_local, _kept_loop),
    (is_with_thread, given_back),
    (lambda about: is_served(about) and about.uses("django") and not about.uses("starlette", "quart"), view),
    (is_served, on_server),
    (lambda about: not about.closer and about.is_used_elsewhere, _without_closer),
    (lambda about: about.made_by("asgiref") and about.uses(*_VIEWS) and not about.is_bridged, view),
    (lambda about: about.made_by("asgiref") and about.is_used_elsewhere, _bridge),
    (lambda about: about.made_by("mangum", _RUNTIME) or about.uses(_RUNTIME), _per("the handler")),
    (lambda about: about.runs_in(*_TASK_QUEUES), _per("the task")),
    (lambda about: about.uses("ipykernel"), _notebook),
    (lambda about: about.uses("streamlit"), _per("each run of the script")),
    (lambda about: about.is_used_elsewhere, _several_runs),
    (lambda about: not about.closer, _without_closer),
    (lambda about: forgotten(about) is not None, awaited),
    (lambda about: about.closed_by_hand is not None and not about.is_local, closed_by_hand),
    (lambda about: with_runner(about) is not None and not about.is_local, closed_with_runner),
    (closes_elsewhere, closed_elsewhere),
    (lambda about: about.findings[0].kind == "cross-loop-close", _several_runs),
    (lambda about: about.loops >= 0, one_run),
)
"""Situations and their advice; the first that applies counts."""
