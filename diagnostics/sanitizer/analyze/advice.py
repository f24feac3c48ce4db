"""Chooses the change to suggest: one that fits the kind of program, and that the program does not make already.

One table, a row a situation. The first row that matches gives the advice. Names of fixes are those of the matrix, and
`model.cures` ranks them by what the matrix measured.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from diagnostics.model.cures import rank
from diagnostics.model.errors import PROGRAM
from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.phrasing import AWAITED, BLOCKED, OTHER_LOOP, UNENDED
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import function_around, generator_around, is_entered, with_imports

_SERVERS: Final = ("uvicorn", "hypercorn", "gunicorn", "granian", "daphne")
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
                text = "or keep the client for all runs, and no connections: each use opens one and closes it"
                ranked.append(Advice(None, text, about.without_pool, about.where))
            if is_unclosable and "client.aclose()" in ranked[0].code:
                text = f"give {about.client} a method `aclose()` that closes what it opens; {ranked[0].text}"
                ranked[0] = replace(ranked[0], text=text)
            return tuple(replace(each, code=with_imports(each.code, where)) for each in ranked)
    return ()


def _lines(*lines: str) -> str:
    return "\n".join(lines)


_GET: Final = f"{PROGRAM} async-tools > async_tools.py   # once"
_RUN_SYNC: Final = _lines(
    f"# {_GET}",
    "from async_tools import run_sync",
    "",
    "answer = run_sync(ask())  # instead of asyncio.run(ask())",
)


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
    code = ("async with contextlib.aclosing(tokens(...)) as parts:", "    async for part in parts:", "        ...")
    return [first, Advice(None, "close a generator that you leave before its end, too", _lines(*code), None)]


def _reading(about: Situation, body: str) -> str:
    library = about.library
    is_persons = about.is_created  # or its stream may be wrapped
    if library is not None and library.stream and is_persons:
        return _lines(f"{library.stream} await ... as stream:", "    async for part in stream:", f"        {body}")
    close = "await stream.close()" if library is not None and library.stream else "await stream.aclose()"
    loop = ("try:", "    async for part in stream:", f"        {body}", "finally:", f"    {close}")
    return _lines("stream = await ...", *loop)


def _third_party_loop(about: Situation) -> list[Advice]:
    package = about.component
    text = (
        f"{package} runs your coroutine on a loop of its own, and the client belongs to yours: await the coroutine"
        f" directly, or have it create and close a client of its own; report this to {package}"
    )
    access = about.findings[0].access
    return [Advice(None, text, "", access.site if access is not None else None)]


def _third_party_client_and_loop(about: Situation) -> list[Advice]:
    package = about.component
    text = (
        f"{package} keeps one client and runs each of these calls on a loop of its own: await its async functions on"
        f" one loop that you keep, if it has them, and report this to {package}"
    )
    return [Advice(None, text, "", None)]


def _third_party_client(about: Situation) -> list[Advice]:
    package = about.component
    text = (
        f"{package} keeps the client: run every call that uses it on one loop that stays open (`run_sync`), or close"
        " its client before each loop closes, if it offers that"
    )
    return [Advice("background-loop", text, _RUN_SYNC, None)]


_CANCEL: Final = _lines("task.cancel()", "await asyncio.gather(task, return_exceptions=True)")
_MANY_RUNS: Final = "many short runs? keep one loop and one client: `run_sync` with `LoopLocal`"


def _one_loop(about: Situation, text: str = _MANY_RUNS, instead: str = "asyncio.run(ask())") -> Advice:
    if about.is_made:
        text = f"many short runs? keep one loop for the {about.noun}, and close that with `run_sync` too"
        return Advice("background-loop", text, _RUN_SYNC, about.where)
    code = _lines(
        f"# {_GET}",
        "from async_tools import LoopLocal, run_sync",
        "",
        f"clients = LoopLocal(lambda: {about.creation.removeprefix('await ')})",
        "",
        "async def ask():",
        "    client = await clients.get()",
        "    ...",
        "",
        f"run_sync(ask())  # instead of {instead}",
    )
    return Advice("background-loop", text, code, about.where)


def _inside(about: Situation, what: str, function: str = "async def main():") -> list[Advice]:
    """Create and close the client in each run of something; one loop is the other way, where calls need one."""
    code = _lines(function, about.managed(indent="    "))
    return [
        Advice("context-manager", f"{about.create} {what} and close it there", code, about.where),
        *([_one_loop(about)] if about.is_used_elsewhere else []),
    ]


def _several_runs(about: Situation) -> list[Advice]:
    return _inside(about, "inside each run")


def _one_run(about: Situation) -> list[Advice]:
    text = f"close the {about.noun} before its loop closes"
    return [Advice("context-manager", text, about.managed(), about.where)]


def _unfinished(about: Situation) -> list[Advice]:
    """The program closes the client at the end of a block, which it did not reach before the loop closed."""
    function = function_around(about.where)
    if generator_around(about.where) and function is not None:
        text = "close the generator where you leave it before its end: it closes the client then"
        code = _lines(
            f"async with contextlib.aclosing({function.name}(...)) as parts:",
            "    async for part in parts:",
            "        ...",
            "# or, in code that is not async, before its loop closes:",
            "loop.run_until_complete(parts.aclose())",
        )
        return [Advice(None, text, code, about.where)]
    text = "await the task that creates the client before the loop closes, or cancel it and await that"
    return [Advice(None, text, _CANCEL, about.where)]


def _without_closer(about: Situation) -> list[Advice]:
    text = (
        f"{about.client} offers nothing that closes it: give it a client of yours and close that, or keep one loop and"
        " one client for the whole program (`run_sync`)"
    )
    return [Advice("background-loop", text, _RUN_SYNC, about.where)]


def _fixture(about: Situation, decorator: str, name: str = "client") -> str:
    return _lines(decorator, f"async def {name}():", about.managed(f"yield {about.names()[1]}", "    "))


def _pytest_asyncio(about: Situation) -> list[Advice]:
    text = "make the client a fixture: each test has a loop of its own, and so its own client"
    fixture = _fixture(about, "@pytest_asyncio.fixture")
    scope = 'or run all tests on one loop: `loop_scope="session"`, also for the fixtures that hold the client'
    mark = 'pytestmark = pytest.mark.asyncio(loop_scope="session")'
    return [Advice("client-per-loop", text, fixture, about.where), Advice("single-run", scope, mark, None)]


def _own_fixture(about: Situation) -> tuple[str, str, str]:
    """Returns name and scope of the fixture that makes the client, and the module that fixtures of its plugin need."""
    test = about.findings[0].test
    assert test is not None
    plugin = "pytest_asyncio" if about.made_by("pytest-asyncio") else "pytest"
    return test.fixture or "", test.scope or "", plugin


def _wide_fixture(about: Situation) -> list[Advice]:
    name, scope, plugin = _own_fixture(about)
    used = sorted({maker.rpartition(", ")[2] for maker in about.makers if maker.endswith(" scope")})
    loops = used[0] if used else "each test"
    text = f"the fixture `{name}` has {scope} scope, its client is used on loops of {loops}: give it that scope too"
    first = Advice("client-per-loop", text, _fixture(about, f"@{plugin}.fixture", name), about.where)
    if plugin == "pytest_asyncio":
        code = _lines(
            f'pytestmark = pytest.mark.asyncio(loop_scope="{scope}")',
            f'@pytest_asyncio.fixture(scope="{scope}", loop_scope="{scope}")',
        )
        setting = f'`loop_scope="{scope}"` for the fixture and its tests (before pytest-asyncio 0.24: `scope`)'
    else:
        code = _lines(f'@pytest.fixture(scope="{scope}")', "def anyio_backend():", '    return "asyncio"')
        setting = f"`anyio_backend` with {scope} scope"
    return [first, Advice("single-run", f"or use one loop: {setting}", code, None)]


def _closed_in_fixture(about: Situation) -> list[Advice]:
    name, scope, plugin = _own_fixture(about)
    loop = f', loop_scope="{scope}"' if plugin == "pytest_asyncio" else ""
    head = f"@{plugin}.fixture" + ("" if scope == "function" else f'(scope="{scope}"{loop})')
    text = f"close the client in the fixture `{name}`"
    return [Advice("context-manager", text, _fixture(about, head, name), about.where)]


def _anyio_plugin(about: Situation) -> list[Advice]:
    text = "make the client a fixture, so that each test creates and closes it on its own loop"
    fixture = _fixture(about, "@pytest.fixture")
    scope = "or keep one loop for all tests: give `anyio_backend` session scope"
    session = _lines('@pytest.fixture(scope="session")', "def anyio_backend():", '    return "asyncio"')
    return [Advice("client-per-loop", text, fixture, about.where), Advice("single-run", scope, session, None)]


def _unittest(about: Situation) -> list[Advice]:
    text = "create the client in `asyncSetUp`: each test has a loop of its own"
    closed, names = (f"self.{each}".replace(", ", ", self.") for each in about.names())
    lines = ["async def asyncSetUp(self):", f"    {names} = {about.creation}"]
    if about.is_managed and sys.version_info >= (3, 11):
        lines[1:] = [f"    {closed} = await self.enterAsyncContext({about.to_enter})"]
    elif about.is_managed:
        lines.append(f"    self.addAsyncCleanup({closed}.__aexit__, None, None, None)")
    elif about.closer:
        lines += ["", "async def asyncTearDown(self):", *(f"    {each}" for each in about.closing(closed))]
    return [Advice("client-per-loop", text, _lines(*lines), about.where)]


_LIFESPAN_TEXT: Final = "create the client in the application's lifespan and close it there"


def _lifespan(about: Situation) -> str:
    app = "Starlette" if about.uses("starlette") and not about.uses("fastapi") else "FastAPI"
    return _lines(
        "@contextlib.asynccontextmanager",
        "async def lifespan(app):",
        about.managed("yield", "    ", "app.state.client"),
        "",
        f"app = {app}(lifespan=lifespan)",
    )


def _test_client(about: Situation) -> list[Advice]:
    text = f"use `with TestClient(app) as test_client:`, which keeps one loop for all requests, and {_LIFESPAN_TEXT}"
    code = _lines(_lifespan(about), "", "with TestClient(app) as test_client:", "    test_client.get(...)")
    return [Advice("context-manager", text, code, about.where)]


def _server(about: Situation) -> list[Advice]:
    several = (
        "; do not call it on another loop, such as that of an `asyncio.run` at start-up" if about.loops > 1 else ""
    )
    return [Advice("context-manager", _LIFESPAN_TEXT + several, _lifespan(about), about.where)]


def _endpoint(about: Situation) -> list[Advice]:
    text = f"make the endpoint `async def` and await your coroutine in it; {_LIFESPAN_TEXT}"
    is_fastapi = about.uses("fastapi")
    head = ('@app.get("/")', "async def endpoint():") if is_fastapi else ("async def endpoint(request):",)
    route = (*head, f"    client = {'' if is_fastapi else 'request.'}app.state.client", "    ...")
    one_loop = "or keep the endpoint: `run_sync` runs all its calls on one loop, with one client"
    code = _lines(_lifespan(about), "", *route)
    return [Advice("context-manager", text, code, about.where), _one_loop(about, one_loop)]


def _notebook(about: Situation) -> list[Advice]:
    text = "await your coroutine in the cell instead of `asyncio.run`: the kernel has one loop that stays open"
    code = _lines(f"client = {about.creation}", "await ask(client)  # in the cell: the kernel's loop stays open")
    return [Advice("single-run", text, code, about.where)]


def _per(what: str, function: str = "async def work():") -> Callable[[Situation], list[Advice]]:
    def advice(about: Situation) -> list[Advice]:
        own = f"create and close the client inside {what}: each one runs a loop of its own"
        code = _lines(function, about.managed(indent="    "))
        # A loop that a package makes is not the program's to keep.
        one_loop = [_one_loop(about)] if about.is_used_elsewhere and not about.made_by(" in ") else []
        return [Advice("context-manager", own, code, about.where), *one_loop]

    return advice


def _view(about: Situation) -> list[Advice]:
    own = "create and close the client inside the view: under WSGI each request runs a loop of its own"
    code = _lines("async def view(request):", about.managed(indent="    "))
    served = "or serve the application over ASGI, where one loop runs all async views"
    return [Advice("context-manager", own, code, about.where), Advice("single-run", served, "", None)]


def _bridge(about: Situation) -> list[Advice]:
    text = "`async_to_sync` runs each call on a loop of its own: call `run_sync`, which keeps one loop for one client"
    return [_one_loop(about, text, "async_to_sync(ask)()")]


def _is_third_party(about: Situation) -> bool:
    return about.component != "user"


RULES: Final[tuple[Rule, ...]] = (
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
        _plain("await the task before the loop closes, or cancel it and await that", None, _CANCEL),
    ),
    (lambda about: "inherited-connection" in about.kinds, _plain("create the client in the child, after the fork")),
    (lambda about: about.findings[0].kind == "abandoned-stream", _stream),
    (
        lambda about: about.findings[0].fault.why == AWAITED,
        _plain(
            "await it on the loop that made it: make it in the coroutine that awaits it, or, for a loop of another"
            " thread, hand the coroutine over",
            None,
            "result = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), loop))",
        ),
    ),
    (
        lambda about: (not about.client or about.is_primitive) and "cross-loop-use" in about.kinds,
        _plain("create it in the coroutine that uses it, or keep one loop for the whole program"),
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
        lambda about: not about.client,
        _plain("before a loop closes, await or cancel its tasks and close its transports and processes"),
    ),
    (
        lambda about: _is_third_party(about) and about.findings[0].fault.why == OTHER_LOOP,
        _third_party_loop,
    ),
    (lambda about: _is_third_party(about) and about.made_by(about.component), _third_party_client_and_loop),
    (_is_third_party, _third_party_client),
    (lambda about: is_entered(about.where) and not about.is_used_elsewhere, _unfinished),
    (lambda about: about.in_fixture and about.is_used_elsewhere and not about.has_function_scope, _wide_fixture),
    (lambda about: about.in_fixture and not about.is_used_elsewhere, _closed_in_fixture),
    (lambda about: about.in_test and not about.is_used_elsewhere and bool(about.closer), _one_run),
    (lambda about: about.made_by("pytest-asyncio"), _pytest_asyncio),
    (lambda about: about.in_endpoint and about.is_used_elsewhere, _endpoint),
    (lambda about: about.made_by("portal of TestClient"), _test_client),
    (lambda about: about.made_by("anyio, ") and about.uses("pytest"), _anyio_plugin),
    (lambda about: about.made_by("IsolatedAsyncioTestCase"), _unittest),
    (lambda about: about.made_by(*_SERVERS), _server),
    (lambda about: not about.closer and about.is_used_elsewhere, _without_closer),
    (lambda about: about.made_by("asgiref") and about.uses(*_VIEWS), _view),
    (lambda about: about.made_by("asgiref") and about.is_used_elsewhere, _bridge),
    (lambda about: about.made_by("mangum", _RUNTIME) or about.uses(_RUNTIME), _per("the handler")),
    (lambda about: about.uses(*_TASK_QUEUES), _per("the task")),
    (lambda about: about.uses("ipykernel"), _notebook),
    (lambda about: about.uses("streamlit"), _per("each run of the script")),
    (lambda about: about.is_used_elsewhere, _several_runs),
    (lambda about: not about.closer, _without_closer),
    (lambda about: about.findings[0].kind == "cross-loop-close", _several_runs),
    (lambda about: about.loops >= 0, _one_run),
)
"""Situations and their advice; the first that applies counts."""
