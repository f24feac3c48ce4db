"""The situation decides on the advice: what runs the call, which loop the program keeps, who can close the client."""

from __future__ import annotations

import ast
import threading
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.sanitizer.analyze.evaluate import evaluate
from diagnostics.sanitizer.analyze.hosts import APPLICATIONS, HOSTS
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.capture.facts import KEPT, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.holders import ClientHolder
from diagnostics.sanitizer.capture.sites import RecordedCode
from tests.sanitizer.test_evaluate import INSTALLED, Thing, asyncio_folder

if TYPE_CHECKING:
    from pathlib import Path

    from diagnostics.model.finding import RootCause

PROGRAM = """
import asyncio, httpx, threading
client = httpx.AsyncClient()
async def main():
    global later
    local = httpx.AsyncClient()
    later = httpx.AsyncClient()
kept = asyncio.new_event_loop()
async def fetch(client):
    await client.get("/")
kept.close()
"""
AT_IMPORT, LOCAL, LATER, LOOP, FETCH, END = 3, 6, 7, 8, 10, 11
UVICORN, AIOHTTP = f"{INSTALLED}/uvicorn/server.py", f"{INSTALLED}/aiohttp/web_protocol.py"
QUART, SESSION = f"{INSTALLED}/quart/app.py", f"{INSTALLED}/aiohttp/client.py"
IN_RUN = [(asyncio_folder() + "runners.py", "run")]
IN_THREAD = [(asyncio_folder() + "base_events.py", "run_forever"), (threading.__file__, "run")]
IN_THREAD += [(threading.__file__, "_bootstrap")]


@pytest.fixture
def program(tmp_path: Path) -> str:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return str(file)


def at(file: str, line: int, name: str = "<module>") -> tuple[Any, Any]:
    return RecordedCode(file, "", name, name, False, False), (line, line, -1, -1)


def stack(*frames: tuple[str, str]) -> tuple[Any, ...]:
    return tuple(part for frame in frames for part in at(frame[0], 1, frame[1]))


def cause(program: str, line: int, opened: list[tuple[str, str]], *kinds: str, **words: Any) -> RootCause:
    """What is said of a client of a line, whose connection was opened with these frames above that line's."""
    loop = LoopRecord(Thing(), at(program, LOOP))
    if "purpose" in words:
        loop = LoopRecord(Thing(), stack(*IN_RUN, (program, "<module>")))
        loop.purpose = words["purpose"]
    loop.closed = at(program, words["closed"]) if "closed" in words else None
    name = words.get("type", "httpx.AsyncClient")
    client = ClientRecord(Thing(), name, name.partition(".")[0], (*words.get("made", ()), *at(program, line)))
    client.holder = words.get("holder")
    connection = ConnectionRecord(loop, client, "", stack(*opened))
    other = LoopRecord(Thing(), stack(*IN_RUN, (program, "<module>")))
    known: dict[str, Any] = {"loop": loop, "client": client, "connection": connection}
    facts = [Fact(each, "leak", **known, current=other if each == "cross-loop-use" else None) for each in kinds]
    (found,) = group(evaluate(facts), words.get("frameworks", ())).root_causes
    return found


@pytest.mark.parametrize(
    ("server", "frameworks", "code"),
    [
        (UVICORN, ("fastapi", "starlette"), "app = FastAPI(lifespan=lifespan)"),
        (UVICORN, ("starlette",), "app = Starlette(lifespan=lifespan)"),
        (UVICORN, ("litestar",), "app = Litestar(lifespan=[lifespan])"),
        (UVICORN, ("django",), "async def view(request):"),
        (QUART, ("quart",), "@app.while_serving"),
        (AIOHTTP, (), "app.cleanup_ctx.append(client)"),
        (f"{INSTALLED}/aiogram/client/bot.py", (), "async with httpx.AsyncClient() as client:"),
        (f"{INSTALLED}/starlette/routing.py", ("starlette",), "async with httpx.AsyncClient() as client:"),
        (SESSION, (), "async with httpx.AsyncClient() as client:"),
        (f"{INSTALLED}/sanic/app.py", (), "@app.after_server_stop"),
        (f"{INSTALLED}/tornado/web.py", (), '    async with httpx.AsyncClient() as app.settings["client"]:'),
        (f"{INSTALLED}/tornado/httpclient.py", (), "async with httpx.AsyncClient() as client:"),
        (UVICORN, (), "    async with httpx.AsyncClient() as app.state.client:"),
    ],
)
def test_what_runs_the_call_decides_and_not_what_made_the_loop(
    program: str, server: str, frameworks: tuple[str, ...], code: str
) -> None:
    found = cause(program, AT_IMPORT, [(server, "handle"), *IN_RUN], "client-left-open", frameworks=frameworks)
    assert code in found.advice[0].code.splitlines()


@pytest.mark.parametrize(
    ("caller", "text"),
    [("celery/app/trace.py", "create and close the client inside the task"), ("click/core.py", "close the client")],
)
def test_a_task_is_what_a_task_queue_calls(program: str, caller: str, text: str) -> None:
    calls = [*IN_RUN, (program, "work"), (f"{INSTALLED}/{caller}", "call")]
    found = cause(program, AT_IMPORT, calls, "client-left-open", frameworks=("celery",))
    assert found.advice[0].text.startswith(text)


def test_a_run_without_a_line_of_the_program_is_named_by_its_coroutine(program: str) -> None:
    loops = [LoopRecord(Thing(), stack(*IN_RUN)) for _ in range(2)]
    client = ClientRecord(Thing(), "httpx.AsyncClient", "httpx", at(program, AT_IMPORT))
    call = (*at(program, FETCH, "fetch"), *stack((asyncio_folder() + "base_events.py", "_run_once")))
    fact = Fact("cross-loop-use", "error", loop=loops[0], current=loops[1], client=client, stack=call)

    (found,) = group(evaluate([fact]), ()).root_causes

    assert found.advice[0].code.splitlines()[0] == "async def fetch():"  # it makes what it was given


@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize("closer", ["async with", "await aclose()", "close(); await wait_closed()"])
def test_what_a_host_is_told_is_python(program: str, name: str, closer: str) -> None:
    calls = [(f"{INSTALLED}/{HOSTS[name].files or name + '/'}x.py", "call"), (UVICORN, "run")]
    holder = ClientHolder("supakit.Client", None, is_persons=True, how="opened", closer=closer)
    calls = [(program, "handler"), *(calls if name in APPLICATIONS else calls[:1]), *IN_RUN]
    (advice,) = cause(program, AT_IMPORT, calls, "client-left-open", holder=holder).advice
    assert advice.text.startswith(f"create the client {HOSTS[name].where}") or name in ("fastapi", "starlette")
    compile(advice.code, "advice", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("kind", ["client-left-open", "cross-loop-use"])
def test_a_loop_that_a_thread_keeps_by_asyncio_run_is_kept(program: str, kind: str) -> None:
    (advice,) = cause(program, AT_IMPORT, IN_RUN, kind, purpose=KEPT).advice
    assert "asyncio.run_coroutine_threadsafe(client.aclose(), loop).result()" in advice.code
    assert ("instead of asyncio.run(ask())" in advice.code) is (kind == "cross-loop-use")


@pytest.mark.parametrize(
    ("maker", "words"), [("", "close the loop"), ("pydantic_graph", "pydantic_graph makes the loop")]
)
def test_only_who_makes_a_loop_can_close_it(program: str, maker: str, words: str) -> None:
    file = f"{INSTALLED}/{maker}/utils.py" if maker else program
    loop = LoopRecord(Thing(), (*at(file, LOOP, "get"), *at(program, FETCH, "fetch")))
    (found,) = group(evaluate([Fact("loop-closed-by-gc", "leak", loop=loop)]), ()).root_causes
    assert found.advice[0].text.startswith(words)
    assert any(each.text.startswith("report it to") for each in found.advice) is bool(maker)


def test_a_coroutine_around_the_server_closes_what_it_makes(program: str) -> None:
    found = cause(program, LOCAL, [(UVICORN, "handle"), *IN_RUN], "client-left-open", frameworks=("fastapi",))
    assert found.advice[0].code.splitlines()[0] == "async with httpx.AsyncClient() as local:"


@pytest.mark.parametrize(("line", "name"), [(AT_IMPORT, "client"), (LATER, "later")])
def test_what_is_left_on_a_loop_of_a_thread_is_closed_there(program: str, line: int, name: str) -> None:
    (advice,) = cause(program, line, IN_THREAD, "client-left-open").advice
    assert advice.fix == "explicit-close"
    assert advice.code == f"asyncio.run_coroutine_threadsafe({name}.aclose(), kept).result()"


def test_a_coroutine_on_a_loop_of_a_thread_closes_what_only_it_has(program: str) -> None:
    (advice,) = cause(program, LOCAL, IN_THREAD, "client-left-open").advice
    assert advice.code.startswith("async with httpx.AsyncClient() as local:")


def test_a_fixture_yields_what_it_enters(program: str) -> None:
    made = "pytest-asyncio, function scope"
    found = cause(program, LATER, IN_RUN, "cross-loop-use", purpose=made, frameworks=("pytest",))
    assert found.advice[0].code.splitlines()[-2:] == [
        "    async with httpx.AsyncClient() as later:",
        "        yield later",
    ]


def test_a_loop_of_a_thread_gets_every_call(program: str) -> None:
    (advice,) = cause(program, AT_IMPORT, IN_THREAD, "cross-loop-use", "client-left-open").advice
    assert "run_coroutine_threadsafe(ask(), kept).result()" in advice.code
    assert "inside each run" not in advice.text
    compile(advice.code, "advice", "exec")


@pytest.mark.parametrize("kind", ["client-left-open", "cross-loop-use"])
def test_what_a_package_keeps_is_worked_around_here_and_reported_there(program: str, kind: str) -> None:
    made = stack((f"{INSTALLED}/restkit/x.py", "__init__"), (f"{INSTALLED}/supakit/y.py", "table"))
    holder = ClientHolder("supakit.Client", None, is_persons=False, how="used")
    found = cause(program, AT_IMPORT, IN_RUN, kind, made=made, holder=holder)
    here, there = found.advice
    assert "you can work around it here" in here.text
    assert ("run_sync" in here.text) is (kind == "cross-loop-use")
    assert there.text.startswith("report it to ")
    assert ("offers nothing that closes it" in there.text) is (kind == "client-left-open")


def test_pending_tasks_of_a_client_that_is_left_open_are_no_mistake_of_their_own(program: str) -> None:
    loop = LoopRecord(Thing(), at(program, LOOP))
    client = ClientRecord(Thing(), "websockets.ClientConnection", "websockets", at(program, AT_IMPORT))
    facts = [Fact("client-left-open", "leak", loop=loop, client=client)]
    files = (f"{INSTALLED}/websockets/connection.py", f"{INSTALLED}/other/connection.py")
    facts += [Fact("pending-task-destroyed", "leak", loop=loop, stack=stack((file, "keepalive"))) for file in files]
    assert [finding.kind for finding in evaluate(facts)] == ["client-left-open", "pending-task-destroyed"]


@pytest.mark.parametrize(
    ("creation", "code"),
    [
        ("create_async_engine(URL, echo=True)", "client = create_async_engine(URL, echo=True, poolclass=NullPool)"),
        ("engine.connect()", "client = create_async_engine(..., poolclass=NullPool)"),
    ],
)
def test_a_pool_is_left_out_where_the_engine_is_made(tmp_path: Path, creation: str, code: str) -> None:
    file = tmp_path / "program.py"
    file.write_text(f"engine = {creation}\n")
    loops = [LoopRecord(Thing(), at(str(file), 1)) for _ in range(2)]
    client = ClientRecord(Thing(), "sqlalchemy.ext.asyncio.AsyncEngine", "sqlalchemy", at(str(file), 1))
    fact = Fact("cross-loop-use", "error", loop=loops[0], current=loops[1], client=client)

    (found,) = group(evaluate([fact]), ()).root_causes

    assert [each.code.splitlines()[-1] for each in found.advice if "NullPool" in each.code] == [code]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (AT_IMPORT, "kept.run_until_complete(client.aclose())\nkept.close()"),
        (LOCAL, "async with httpx.AsyncClient() as local:\n    ..."),
    ],
)
def test_a_loop_that_the_program_closes_by_hand_closes_the_client_first(program: str, line: int, code: str) -> None:
    found = cause(program, line, IN_RUN, "client-left-open", closed=END)
    assert found.advice[0].code.removeprefix("import httpx\n\n") == code


@pytest.mark.parametrize(
    ("name", "word"),
    [("asyncpg.Pool", "pool"), ("x.AsyncEngine", "engine"), ("aiohttp.web.TCPSite", "site"), ("redis.Redis", "client")],
)
def test_it_is_called_what_its_class_says(program: str, name: str, word: str) -> None:
    found = cause(program, AT_IMPORT, IN_RUN, "client-left-open", type=name)
    assert found.advice[0].text == f"close the {word} before its loop closes"


def test_who_keeps_a_loop_asks_for_it_where_it_is_used(program: str) -> None:
    first, second = (LoopRecord(Thing(), (*at(program, LOOP),)) for _ in range(2))
    inside = [(asyncio_folder() + "base_events.py", "call_at"), (asyncio_folder() + "base_events.py", "call_later")]
    for frames, code in (
        (inside, "asyncio.get_running_loop().call_later(...)"),
        ([*inside, (asyncio_folder() + "taskgroups.py", "create_task")], ""),
    ):
        line = (*stack(*frames), *at(program, FETCH))
        fact = Fact("use-after-loop-close", "error", loop=first, current=second, stack=line, operation="loop.call_at")
        (found,) = group(evaluate([fact]), ()).root_causes
        assert found.advice[0].code == code


@pytest.mark.parametrize(("kind", "name"), [("asyncio.StreamWriter", "writer"), ("", "transport")])
def test_what_a_thread_writes_is_handed_over(program: str, kind: str, name: str) -> None:
    line, loop = at(program, FETCH), LoopRecord(Thing(), at(program, LOOP))
    client = ClientRecord(None, kind, "asyncio", line) if kind else None
    detail = {"thread": True, "owner_open": True}
    fact = Fact(
        "cross-loop-use", "error", loop=loop, client=client, stack=line, operation="transport.write", detail=detail
    )
    (found,) = group(evaluate([fact]), ()).root_causes
    assert found.advice[0].code == f"loop.call_soon_threadsafe({name}.write, ...)"


def test_a_task_that_a_library_leaves_belongs_to_the_client_that_is_left_open(program: str) -> None:
    loop = LoopRecord(Thing(), (*stack(*IN_RUN), *at(program, LOOP)))
    client = ClientRecord(Thing(), "mcp.ClientSession", "mcp", at(program, AT_IMPORT))
    ignored = {"task": "the task read", "waits": "StreamReader.read"}
    task = Fact("stuck-waiter", "note", loop=loop, current=loop, detail=ignored, trigger="task")
    task.stack = stack((f"{INSTALLED}/anyio/_backends/_asyncio.py", "receive"))
    facts = [task, Fact("unclosed-at-exit", "note", loop=loop, client=client)]
    for _ in range(2):
        (found,) = group(evaluate(facts), ()).root_causes
        assert [found.kind, found.advice[0].text] == [
            "stuck-waiter",
            "create the session inside each run and close it there",
        ]
    (finding,) = evaluate(facts)
    assert finding.fault.component == "user"


def test_a_run_by_anyio_in_the_main_thread_is_no_thread(program: str) -> None:
    runs = [(f"{INSTALLED}/anyio/_backends/_asyncio.py", "run"), (f"{INSTALLED}/anyio/_core/_eventloop.py", "run")]
    loops = [LoopRecord(Thing(), stack(*IN_RUN, *runs, (program, "<module>"))) for _ in range(2)]
    client = ClientRecord(Thing(), "httpx.AsyncClient", "httpx", at(program, AT_IMPORT))
    step = (asyncio_folder() + "base_events.py", "_run_once")
    call = (*at(program, FETCH, "fetch"), *stack(step, *IN_RUN, *runs, (program, "<module>")))
    fact = Fact("cross-loop-use", "error", loop=loops[0], current=loops[1], client=client, stack=call)

    (found,) = group(evaluate([fact]), ("starlette",)).root_causes

    assert found.advice[0].text == "create the client inside each run and close it there"


KEEPS = f"{INSTALLED}/chatkit/models.py"


def kept_by_a_package(program: str, *runs: tuple[str, str]) -> RootCause:
    """What is said of a client that a package keeps and that loops with these frames use."""
    loops = [LoopRecord(Thing(), stack(*IN_RUN, *runs)) for _ in range(2)]
    client = ClientRecord(Thing(), "httpx.AsyncClient", "httpx", stack((KEEPS, "model"), (program, "<module>")))
    step = (asyncio_folder() + "base_events.py", "_run_once")
    call = stack((KEEPS, "answer"), step, *IN_RUN, *runs)
    fact = Fact("cross-loop-use", "error", loop=loops[0], current=loops[1], client=client, stack=call)
    (found,) = group(evaluate([fact]), ()).root_causes
    return found


def test_where_one_package_keeps_the_client_and_another_runs_the_calls_both_are_named(program: str) -> None:
    found = kept_by_a_package(program, (f"{INSTALLED}/scorekit/run.py", "score"), (program, "<module>"))
    assert found.advice[0].text.startswith("chatkit keeps one client and scorekit runs each of these calls on a loop")
    assert not found.advice[0].code  # the program has no `asyncio.run` to replace


def test_the_run_of_a_packages_client_is_replaced_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text("asyncio.run(agent.answer(question, length=3))\n")
    found = kept_by_a_package(str(file), (str(file), "<module>"))
    assert "answer = run_sync(agent.answer(question, length=3))  # instead of asyncio.run(...)" in found.advice[0].code
