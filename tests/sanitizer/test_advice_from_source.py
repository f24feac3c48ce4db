"""Advice has the names, the functions and the calls that the program has, in code that is Python where it goes."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path
from typing import Any

import pytest

from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.evaluate import evaluate
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.capture.facts import ClientRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.holders import ClientHolder, Variable
from tests.sanitizer.test_advice import IN_RUN, IN_THREAD, at, stack
from tests.sanitizer.test_evaluate import INSTALLED, Thing, asyncio_folder


def advised(folder: Path, source: str, kind: str, **words: Any) -> tuple[Advice, ...]:
    """What is advised to a program whose lines say what they do: `MADE`, `ONE` and `TWO` for the loops, `USE`."""
    text = textwrap.dedent(source).strip() + "\n"
    file = folder / "program.py"
    file.write_text(text)
    lines = {mark: n for n, line in enumerate(text.splitlines(), 1) for mark in line.partition("  # ")[2].split()}
    made, one = at(str(file), lines["MADE"]), at(str(file), lines["ONE"])
    other = at(str(file), lines.get("TWO", lines["ONE"]))
    loops = [LoopRecord(Thing(), (*stack(*words.get("maker", IN_RUN)), *each)) for each in (one, other)]
    kind_of = words.get("type", "httpx.AsyncClient")
    inside = stack(*words.get("inside", ()))
    client = ClientRecord(Thing(), kind_of, kind_of.partition(".")[0], (*made, *inside))
    client.holder = words.get("holder")
    if "name" in words:
        client.variable = Variable(words["name"], "__main__", str(file), 0)
    use = (*at(str(file), lines.get("USE", lines["ONE"])), *stack(*IN_RUN))
    known: dict[str, Any] = {"loop": loops[0], "client": client, "stack": use, "trigger": "user"}
    known |= {"current": loops[1]} if "cross" in kind else {}
    if "ran" in words:
        function, step, thread = words["ran"]
        known["stack"] = (
            *at(str(file), lines["USE"], "get"),
            *stack(step),
            *at(str(file), lines["ONE"], function),
            *stack(*thread),
        )
    fact = Fact(kind, "leak", **known, **words.get("detail", {}))
    (found,) = group(evaluate([fact]), words.get("frameworks", ())).root_causes
    for each in found.advice:
        code = textwrap.indent(each.code or "...", "    ")
        compile(f"async def code():\n{code}", "advice", "exec", ast.PyCF_ONLY_AST)
    return found.advice


CLASS = """
import asyncio, httpx
class Api:
    def __init__(self, url):
        self._http = httpx.AsyncClient(base_url=url)  # MADE
    async def get(self, path):
        return await self._http.get(path)  # USE
    async def end(self):
        await self._http.aclose()
api = Api("http://localhost")
asyncio.run(api.get("/"))  # ONE
asyncio.run(api.end())  # TWO
"""


def test_what_a_run_of_its_own_closes_is_closed_at_the_end_of_the_run_that_used_it(tmp_path: Path) -> None:
    (advice,) = advised(tmp_path, CLASS, "cross-loop-close")
    assert advice.code.splitlines() == [
        "async def get(self, path):",
        "    try:",
        "        ...",
        "    finally:",
        "        await api.end()",
    ]


def test_a_client_of_a_constructor_gets_a_method_that_closes_it(tmp_path: Path) -> None:
    source = CLASS.replace("self._http.aclose()", "self._http.get('/')")
    (advice,) = advised(tmp_path, source, "client-left-open")
    assert advice.text.startswith("close the client before its loop closes: give the class a method")
    assert advice.code == "async def aclose(self):\n    await self._http.aclose()"


@pytest.mark.parametrize(
    ("method", "code"),
    [("end", "    await api.end()"), ("__aexit__", "async with Api(...) as api:")],
)
def test_the_method_that_closes_it_is_the_programs(tmp_path: Path, method: str, code: str) -> None:
    source = CLASS.replace("def end(", f"def {method}(")
    (advice,) = advised(tmp_path, source, "client-left-open", name="api._http")
    assert f"`Api.{method}` in line 7 does that" in advice.text
    assert code in advice.code.splitlines()


@pytest.mark.parametrize(
    "other",
    [
        "def other():\n    client = httpx.Client()\n    client.aclose()",
        "async def other(group, client):\n    group.create_task(client.aclose())",
        "async def other(client):\n    await client.aclose()",
    ],
)
def test_another_client_and_a_task_that_a_group_waits_for_are_no_sign(tmp_path: Path, other: str) -> None:
    source = f"import asyncio, httpx\nclient = httpx.AsyncClient()  # MADE\nasyncio.run(main())  # ONE\n{other}"
    (advice,) = advised(tmp_path, source, "client-left-open")
    assert "does not wait" not in advice.text


@pytest.mark.parametrize(
    ("head", "code"),
    [
        ("def create():", "async with create() as client:"),
        ("def create(url, *, timeout=5):", "async with create(...) as client:"),
        ("@functools.cache\ndef create():", "finally:"),
    ],
)
def test_what_a_function_returns_is_entered_unless_that_may_keep_it(tmp_path: Path, head: str, code: str) -> None:
    source = (
        f"import asyncio, functools, httpx\n{head}\n    return httpx.AsyncClient()  # MADE\nasyncio.run(main())  # ONE"
    )
    (advice,) = advised(tmp_path, source, "client-left-open")
    assert code in advice.code.splitlines()


def test_a_client_of_a_plain_function_is_closed_where_one_can_wait(tmp_path: Path) -> None:
    source = """
        import asyncio, httpx
        def shared():
            session = httpx.AsyncClient()  # MADE
            return session
        asyncio.run(fetch())  # ONE
    """
    (advice,) = advised(tmp_path, source, "client-left-open")
    assert "`shared`, which makes it, cannot wait" in advice.text
    assert advice.code.splitlines()[-1] == "    await session.aclose()"


@pytest.mark.parametrize("call", ["self.http.aclose()", "asyncio.create_task(self.http.aclose())"])
def test_a_close_that_nothing_waits_for_is_named(tmp_path: Path, call: str) -> None:
    source = f"""
        import asyncio, httpx
        class Api:
            def __init__(self):
                self.http = httpx.AsyncClient()  # MADE
            def shutdown(self):
                {call}
        asyncio.run(main())  # ONE
    """
    (advice,) = advised(tmp_path, source, "client-left-open")
    assert "in line 6, the program does not wait for `self.http.aclose()`" in advice.text
    assert advice.code == "await self.http.aclose()"


@pytest.mark.parametrize(
    ("file", "function", "instead"),
    [
        ("runners.py", "run", "asyncio.run(ask())"),
        ("runners.py", "__init__", "runner.run(ask())"),
        ("events.py", "new_event_loop", "loop.run_until_complete(ask())"),
    ],
)
def test_the_call_that_run_sync_replaces_is_the_programs(
    tmp_path: Path, file: str, function: str, instead: str
) -> None:
    source = """
        import asyncio, httpx
        fetcher = httpx.AsyncClient()  # MADE
        async def crawl(paths): ...
        with asyncio.Runner() as runner:  # ONE
            runner.run(crawl([1]))  # USE
    """
    maker = [(asyncio_folder() + file, function)]
    inside, one_loop = advised(tmp_path, source, "cross-loop-use", maker=maker)
    assert inside.code.splitlines() == [
        "async def crawl(paths):",
        "    async with httpx.AsyncClient() as fetcher:",
        "        ...",
    ]
    assert one_loop.code.endswith(f"# instead of {instead}")


def test_what_has_the_client_inside_is_not_entered_instead_of_it(tmp_path: Path) -> None:
    source = """
        import asyncio
        weather = container.weather()  # MADE
        asyncio.run(weather.get())  # ONE
    """
    advice, *_ = advised(tmp_path, source, "cross-loop-use", name="weather.http")
    assert advice.code.splitlines()[1] == "    async with AsyncClient(...) as client:"


def test_a_comment_does_not_end_the_code(tmp_path: Path) -> None:
    source = """
        import asyncio, httpx
        client = httpx.AsyncClient(  # MADE
            timeout=5,  # seconds
        )
        asyncio.run(main())  # ONE
    """
    (advice,) = advised(tmp_path, source, "client-left-open")
    assert advice.code.splitlines()[0] == "async with httpx.AsyncClient(timeout=5) as client:"


def test_a_property_that_keeps_the_client_is_where_it_is_made(tmp_path: Path) -> None:
    source = """
        import asyncio, functools, httpx
        class Model:
            @functools.cached_property
            def http(self):
                return httpx.AsyncClient(timeout=5)
            async def ask(self):
                await self.http.get("/")  # MADE USE
        model = Model()
        asyncio.run(model.ask())  # ONE
    """
    advice, *_ = advised(tmp_path, source, "cross-loop-use", name="model.http")
    assert advice.code.splitlines() == [
        "async def ask(self):",
        "    async with httpx.AsyncClient(timeout=5) as client:",
        "        ...",
    ]


@pytest.mark.parametrize(("bridge", "text"), [("async_to_sync(get)()", "run_sync"), ("get", "inside the view")])
def test_a_program_that_bridges_itself_is_no_view(tmp_path: Path, bridge: str, text: str) -> None:
    source = f"""
        import httpx
        from asgiref.sync import async_to_sync
        api = httpx.AsyncClient()  # MADE
        async def get():
            await api.get("/")  # USE
        {bridge}  # ONE
    """
    maker = [*IN_RUN, (f"{INSTALLED}/asgiref/sync.py", "__call__")]
    advice, *_ = advised(tmp_path, source, "cross-loop-use", maker=maker, frameworks=("django",))
    assert text in advice.text


def test_a_child_creates_a_client_of_its_own(tmp_path: Path) -> None:
    source = """
        import asyncio, httpx
        http = httpx.AsyncClient()  # MADE
        async def fetch(path): ...
        asyncio.run(fetch("/"))  # ONE USE
    """
    (advice,) = advised(tmp_path, source, "inherited-connection")
    assert advice.code.splitlines()[:2] == ["async def fetch(path):", "    async with httpx.AsyncClient() as http:"]


def test_a_queue_is_created_in_the_coroutine_of_the_run(tmp_path: Path) -> None:
    source = """
        import asyncio, dataclasses
        @dataclasses.dataclass
        class Crawler:
            found: asyncio.Queue = dataclasses.field(default_factory=asyncio.Queue)  # MADE
            async def crawl(self):
                await self.found.get()  # USE
        asyncio.run(crawler.crawl())  # ONE
    """
    holder = ClientHolder("asyncio.Queue", None, is_persons=True, how="used")
    known = {"type": "asyncio.Queue", "name": "crawler.found", "holder": holder}
    (advice,) = advised(tmp_path, source, "cross-loop-use", **known, detail={"what": "an asyncio Queue"})
    assert advice.code.splitlines() == ["async def crawl(self):", "    found = asyncio.Queue()", "    ..."]


def test_a_session_made_on_the_loop_of_a_thread_belongs_there(tmp_path: Path) -> None:
    source = """
        import asyncio, aiohttp
        loop = asyncio.new_event_loop()  # ONE
        async def connect():
            global session
            session = aiohttp.ClientSession()  # MADE
        asyncio.run(main())  # TWO USE
    """
    (advice,) = advised(tmp_path, source, "cross-loop-use", type="aiohttp.ClientSession", inside=IN_THREAD)
    assert "only on the loop that your program keeps in a thread" in advice.text
    assert advice.code.splitlines()[-1] == "asyncio.run_coroutine_threadsafe(session.close(), loop).result()"


def test_a_client_that_a_coroutine_gives_to_the_module_is_closed_where_it_is_used(tmp_path: Path) -> None:
    source = """
    import asyncio, httpx
    async def init():
        global http
        http = httpx.AsyncClient()  # MADE
    asyncio.run(init())  # ONE
    """

    (advice,) = advised(tmp_path, source, "client-left-open")

    assert advice.text.endswith("in the coroutine that uses it")
    assert advice.code.splitlines()[-1].strip() == "await http.aclose()"


@pytest.mark.parametrize("name", ["first.client", "made"])
def test_what_has_the_client_inside_or_beside_it_is_not_entered(tmp_path: Path, name: str) -> None:
    source = """
    import asyncio, httpx
    def load(n):
        return [Provider(httpx.AsyncClient(limit=each)) for each in range(n)]  # MADE
    first, made = load(2)  # HELD
    asyncio.run(ask())  # ONE
    asyncio.run(ask())  # TWO
    async def ask(): ...
    """

    own, _ = advised(tmp_path, source, "cross-loop-use", name=name)

    assert own.code.splitlines()[:2] == ["async def ask():", "    async with httpx.AsyncClient(...) as client:"]


def test_a_thread_that_a_coroutine_waits_for_needs_no_loop(tmp_path: Path) -> None:
    source = """
    import asyncio, httpx
    client = httpx.AsyncClient()  # MADE
    async def get(path):
        await client.get(path)  # USE
    def in_thread(path):
        return asyncio.run(get(path))  # ONE TWO
    async def main():
        await asyncio.to_thread(in_thread, "/")
    asyncio.run(main())
    """
    step = (asyncio_folder() + "base_events.py", "_run_once")
    thread = [
        (asyncio_folder().replace("asyncio/", "threading.py"), each)
        for each in ("run", "_bootstrap_inner", "_bootstrap")
    ]

    first, _ = advised(tmp_path, source, "cross-loop-use", ran=("in_thread", step, thread))

    assert first.text.startswith("await `get` in `main`, which has a loop: `in_thread` in a thread makes another one")
    assert first.code.splitlines()[:2] == ["async def main():", "    async with httpx.AsyncClient() as client:"]
