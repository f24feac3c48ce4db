"""Chooses the change to suggest: one that fits the kind of program, and that the program does not make already.

One table, a row a situation. The first row that matches gives the advice. Names of fixes are those of the matrix, whose
verdicts say what each of them does; the order within a row is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from diagnostics.model.finding import Advice, Finding, Site
from diagnostics.sanitizer.analyze.sources import creation_of

_SERVERS: Final = ("uvicorn", "hypercorn", "gunicorn", "granian", "daphne")
_TASK_QUEUES: Final = ("celery", "rq", "dramatiq")
_SERVERLESS: Final = ("mangum", "awslambdaric")


class Situation(NamedTuple):
    """What the advice depends on.

    Attributes:
        findings: of one root cause.
        frameworks: that the program has imported.
        makers: what created the loops, in words.
        client: the class to write, without its module; empty where no client is involved.
        creation: the expression that creates the client, as the program writes it.
        closing: the statement that closes it.
        where: the line that creates it.
        loops: how many loops are involved.
    """

    findings: Sequence[Finding]
    frameworks: Collection[str]
    makers: frozenset[str]
    client: str
    creation: str
    closing: str
    where: Site | None
    loops: int

    @property
    def kinds(self) -> set[str]:
        """The kinds of the findings."""
        return {finding.kind for finding in self.findings}

    @property
    def component(self) -> str:
        """Whose code is at fault in the worst finding."""
        return self.findings[0].fault.component

    def made_by(self, *words: str) -> bool:
        """Whether one of the loops was created by something with one of these words in its description."""
        return any(word in maker for maker in self.makers for word in words)

    def uses(self, *frameworks: str) -> bool:
        """Whether the program has imported one of these."""
        return any(name in self.frameworks for name in frameworks)


Rule = tuple[Callable[[Situation], bool], Callable[[Situation], list[Advice]]]


def situation(findings: Sequence[Finding], frameworks: Collection[str]) -> Situation:
    """Collects what the advice depends on.

    Args:
        findings: of one root cause, the one that says most first.
        frameworks: that the program has imported.
    """
    client = next((finding.client for finding in findings if finding.client is not None), None)
    loops = [loop for each in findings for loop in (each.loop, each.access.running if each.access else None) if loop]
    where = None if client is None else (client.held_by.site if client.held_by else None) or client.created_at
    short = client.type.rsplit(".", 1)[-1] if client is not None else ""
    creation = creation_of(where, short)
    awaited = "aio.aclose()" if client is not None and client.type.startswith("google.") else ""
    return Situation(
        findings=findings,
        frameworks=frameworks,
        makers=frozenset(loop.created_by for loop in loops if loop.created_by),
        client=short,
        creation=creation,
        closing=f"await client.{awaited or _closer(client.type if client else '')}",
        where=where,
        loops=len({loop.id for loop in loops}),
    )


def _closer(type_: str) -> str:
    return "aclose()" if type_ in ("httpx.AsyncClient", "httpx2.AsyncClient") else "close()"


def advise(about: Situation) -> tuple[Advice, ...]:
    """Returns the changes that cure a root cause, the best first."""
    for applies, advice in RULES:
        if applies(about):
            return tuple(advice(about))
    return ()


def _lines(*lines: str) -> str:
    return "\n".join(lines)


def _stream(about: Situation) -> list[Advice]:
    text = (
        "close the stream where you stop reading it: use `async with`, or call its `aclose()` or `close()` in `finally`"
    )
    code = _lines(
        "stream = await ...",
        "try:",
        "    async for part in stream:",
        "        ...",
        "finally:",
        "    await stream.aclose()",
    )
    return [Advice(None, text, code, about.findings[0].fault.site)]


def _plain(text: str, fix: str | None = None, code: str = "") -> Callable[[Situation], list[Advice]]:
    return lambda about: [Advice(fix, text, code, about.findings[0].fault.site)]


def _third_party_loop(about: Situation) -> list[Advice]:
    package = about.component
    return [
        Advice(
            None,
            f"{package} runs your coroutine on a loop of its own, and the client belongs to yours: await the coroutine"
            f" directly, or have it create and close a client of its own; report this to {package}",
            "",
            about.findings[0].access.site if about.findings[0].access else None,
        )
    ]


def _third_party_client(about: Situation) -> list[Advice]:
    package = about.component
    return [
        Advice(
            "background-loop",
            f"{package} keeps the client: run every call that uses it on one loop that stays open (`run_sync`), or"
            f" close its client before each loop closes, if it offers that",
            _RUN_SYNC,
            None,
        )
    ]


_GET: Final = "python -m diagnostics async-tools > async_tools.py   # once"
_RUN_SYNC: Final = _lines(
    f"# {_GET}",
    "from async_tools import run_sync",
    "",
    "answer = run_sync(ask(...))  # instead of asyncio.run(ask(...))",
)


def _create_and_close(about: Situation, indent: str = "") -> str:
    """Code that creates the client, and closes it at the end of a block."""
    return _lines(
        f"{indent}client = {about.creation}",
        f"{indent}try:",
        f"{indent}    ...",
        f"{indent}finally:",
        f"{indent}    {about.closing}",
    )


def _several_runs(about: Situation) -> list[Advice]:
    local = _lines(
        f"# {_GET}",
        "from async_tools import LoopLocal, run_sync",
        "",
        f"clients = LoopLocal(lambda: {about.creation})",
        "",
        "async def ask(...):",
        "    client = await clients.get()",
        "    ...",
        "",
        "run_sync(ask(...))  # instead of asyncio.run(ask(...))",
    )
    return [
        Advice(
            "context-manager",
            "create the client inside each run and close it there",
            _lines("async def main():", _create_and_close(about, "    ")),
            about.where,
        ),
        Advice(
            "background-loop",
            "many short runs? keep one loop and one client: `run_sync` with `LoopLocal`",
            local,
            about.where,
        ),
    ]


def _one_run(about: Situation) -> list[Advice]:
    return [
        Advice(
            "context-manager",
            "close the client before its loop closes",
            _create_and_close(about),
            about.where,
        )
    ]


def _pytest_asyncio(about: Situation) -> list[Advice]:
    fixture = _lines(
        "@pytest_asyncio.fixture",
        "async def client():",
        _create_and_close(about, "    ").replace("...", "yield client"),
    )
    mark = 'pytestmark = pytest.mark.asyncio(loop_scope="session")'
    return [
        Advice(
            "client-per-loop",
            "make the client a fixture: each test has a loop of its own, and so its own client",
            fixture,
            about.where,
        ),
        Advice(
            "single-run",
            'or run all tests on one loop: `loop_scope="session"`, also for the fixtures that hold the client',
            mark,
            None,
        ),
    ]


def _anyio_plugin(about: Situation) -> list[Advice]:
    fixture = _lines(
        "@pytest.fixture", "async def client():", _create_and_close(about, "    ").replace("...", "yield client")
    )
    session = _lines('@pytest.fixture(scope="session")', "def anyio_backend():", '    return "asyncio"')
    return [
        Advice(
            "client-per-loop",
            "make the client a fixture, so that each test creates and closes it on its own loop",
            fixture,
            about.where,
        ),
        Advice("single-run", "or keep one loop for all tests: give `anyio_backend` session scope", session, None),
    ]


def _unittest(about: Situation) -> list[Advice]:
    code = _lines(
        "async def asyncSetUp(self):",
        f"    self.client = {about.creation}",
        f"    self.addAsyncCleanup(self.{about.closing.removeprefix('await ').removesuffix('()')})",
    )
    return [
        Advice(
            "client-per-loop", "create the client in `asyncSetUp`: each test has a loop of its own", code, about.where
        )
    ]


_LIFESPAN_TEXT: Final = "create the client in the application's lifespan and close it there"


def _lifespan(about: Situation) -> str:
    return _lines(
        "@contextlib.asynccontextmanager",
        "async def lifespan(app):",
        f"    client = app.state.client = {about.creation}",
        "    try:",
        "        yield",
        "    finally:",
        f"        {about.closing}",
        "",
        "app = FastAPI(lifespan=lifespan)",
    )


def _test_client(about: Situation) -> list[Advice]:
    return [
        Advice(
            "context-manager",
            f"use `with TestClient(app) as test_client:`, which keeps one loop for all requests, and {_LIFESPAN_TEXT}",
            _lines(_lifespan(about), "", "with TestClient(app) as test_client:", "    test_client.get(...)"),
            about.where,
        )
    ]


def _server(about: Situation) -> list[Advice]:
    several = (
        "; do not call it on another loop, such as that of an `asyncio.run` at start-up" if about.loops > 1 else ""
    )
    return [Advice("context-manager", _LIFESPAN_TEXT + several, _lifespan(about), about.where)]


def _notebook(about: Situation) -> list[Advice]:
    code = _lines(f"client = {about.creation}", "await ask(client)  # in the cell: the kernel's loop stays open")
    return [
        Advice(
            "single-run",
            "await your coroutine in the cell instead of `asyncio.run`: the kernel has one loop that stays open",
            code,
            about.where,
        )
    ]


def _per_task(what: str) -> Callable[[Situation], list[Advice]]:
    def advice(about: Situation) -> list[Advice]:
        first = Advice(
            "context-manager",
            f"create and close the client inside {what}: each one runs a loop of its own",
            _lines("async def work(...):", _create_and_close(about, "    ")),
            about.where,
        )
        return [first, _several_runs(about)[1]]

    return advice


def _bridge(about: Situation) -> list[Advice]:
    return [
        Advice(
            "background-loop",
            "`async_to_sync` runs each call on a loop of its own: call `run_sync` instead, which keeps one loop for one"
            " client",
            _RUN_SYNC,
            about.where,
        )
    ]


_SEVERAL: Final = {"cross-loop-use", "cross-loop-close", "duplicate-request"}
"""Kinds that need a second loop, also where it was not seen."""


def _is_third_party(about: Situation) -> bool:
    return about.component != "user"


RULES: Final[tuple[Rule, ...]] = (
    (
        lambda about: about.kinds == {"loop-closed-by-gc"},
        _plain(
            "close the loop where it is created: use `asyncio.run`, or `loop.close()` in a `finally`",
            None,
            "asyncio.run(main())",
        ),
    ),
    (
        lambda about: "pending-task-destroyed" in about.kinds,
        _plain(
            "await the task before the loop closes, or cancel it and await that",
            None,
            _lines("task.cancel()", "await asyncio.gather(task, return_exceptions=True)"),
        ),
    ),
    (lambda about: "inherited-connection" in about.kinds, _plain("create the client in the child, after the fork")),
    (lambda about: about.findings[0].kind == "abandoned-stream", _stream),
    (
        lambda about: not about.client and "cross-loop-use" in about.kinds,
        _plain("create it in the coroutine that uses it, or keep one loop for the whole program"),
    ),
    (
        lambda about: not about.client,
        _plain("before a loop closes, await or cancel its tasks and close its transports and processes"),
    ),
    (
        lambda about: _is_third_party(about) and bool(about.findings[0].access and about.findings[0].access.owner_open),
        _third_party_loop,
    ),
    (_is_third_party, _third_party_client),
    (lambda about: about.made_by("pytest-asyncio"), _pytest_asyncio),
    (lambda about: about.made_by("portal of TestClient"), _test_client),
    (lambda about: about.made_by("anyio, ") and about.uses("pytest"), _anyio_plugin),
    (lambda about: about.made_by("IsolatedAsyncioTestCase"), _unittest),
    (lambda about: about.made_by(*_SERVERS), _server),
    (lambda about: about.made_by("asgiref"), _bridge),
    (lambda about: about.made_by(*_SERVERLESS) or about.uses(*_SERVERLESS), _per_task("the handler")),
    (lambda about: about.uses(*_TASK_QUEUES), _per_task("the task")),
    (lambda about: about.uses("ipykernel"), _notebook),
    (lambda about: about.uses("streamlit"), _per_task("each run of the script")),
    (lambda about: about.loops > 1 or bool(about.kinds & _SEVERAL), _several_runs),
    (lambda about: about.loops >= 0, _one_run),
)
"""Situations and their advice; the first that applies counts."""
