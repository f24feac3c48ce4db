"""Each rule by its own example, programs of the sanitizer's tests, and whatever Python there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.fixes import generated
from benchmarks.fixes.corpus import with_twins, written
from diagnostics.rewrite.rules import RULES
from diagnostics.rewrite.rules.checking import alerts
from diagnostics.rewrite.rules.engine.tree import SourceTree

if TYPE_CHECKING:
    from diagnostics.rewrite.rules.records import Alert, CheckRule

RECALL = 0.88
PROGRAMS = Path(__file__).parents[2] / "sanitizer" / "programs"


def checked(folder: Path, **files: str) -> list[Alert]:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    tree = SourceTree([str(folder)])
    found = alerts(tree, RULES)
    assert tree.problems == []
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_an_example_of_a_mistake_has_that_one_and_its_right_form_has_none(rule: CheckRule, tmp_path: Path) -> None:
    assert [each.code for each in checked(tmp_path, app=rule.wrong)] == [rule.code]
    assert checked(tmp_path, app=rule.right) == []


def test_codes_and_names_are_unique() -> None:
    words = [word for rule in RULES for word in (rule.code, rule.name)]
    assert len(set(words)) == len(words)
    assert [rule.code for rule in RULES] == sorted(rule.code for rule in RULES)


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("right_*.py")), ids=lambda path: path.stem)
def test_a_correct_program_has_no_alert(program: Path) -> None:
    assert alerts(SourceTree([str(program)]), RULES) == []


def test_most_mistakes_of_the_corpus_are_found_and_no_correct_program_has_an_alert(tmp_path: Path) -> None:
    found: dict[bool, list[str]] = {True: [], False: []}
    for program in (*with_twins(written()), *generated.programs()):
        folder = program.write(tmp_path / program.name)
        reported = bool(alerts(SourceTree([str(folder)]), RULES))
        if program.fault == "none":
            assert not reported, program.name
        else:
            found[reported].append(program.name)
    recall = len(found[True]) / len([*found[True], *found[False]])
    assert recall >= RECALL, found[False]


SILENT = {
    "what a database is read with, by a class that only names the library": """
from motor.motor_asyncio import AsyncIOMotorGridFSBucket

async def read(database, number):
    bucket = AsyncIOMotorGridFSBucket(database)
    stream = await bucket.open_download_stream(number)
    return await stream.read()
""",
    "an engine whose options say that it has no pool": """
import asyncio
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

options = {}
engine = create_async_engine("postgresql+asyncpg://x", **(options or {"poolclass": NullPool}))

async def probe():
    async with engine.connect() as connection:
        await connection.execute(text("select 1"))

asyncio.run(probe())
asyncio.run(probe())
""",
    "locks that go with those who hold them": """
import asyncio, weakref

locks = weakref.WeakValueDictionary()

async def once(make):
    lock = locks.setdefault(id(asyncio.get_running_loop()), asyncio.Lock())
    async with lock:
        return await make()
""",
    "what has no connection, for each loop": """
import asyncio, weakref

class State:
    def __init__(self):
        self.limit = asyncio.Semaphore(3)

states = weakref.WeakKeyDictionary()

def state():
    loop = asyncio.get_running_loop()
    if loop not in states:
        states[loop] = State()
    return states[loop]
""",
    "a loop of a process that ends": """
import asyncio, os

def serve(work):
    asyncio.new_event_loop().run_until_complete(work())
    os._exit(0)
""",
    "a connection that is not of the pool": """
from openai import AsyncOpenAI

async def talk():
    client = AsyncOpenAI()
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.send({"type": "response.create"})
""",
    "a task that goes on": """
import asyncio

async def beat():
    while True:
        await asyncio.sleep(1)

async def start():
    asyncio.create_task(beat())

def main():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(start())
    loop.run_forever()
    loop.close()
""",
    "an entry for a loop that goes with the coroutine": """
import asyncio

pending = {}

async def once(make):
    key = id(asyncio.get_running_loop())
    pending[key] = asyncio.Event()
    try:
        return await make()
    finally:
        del pending[key]
""",
    "an entry for a loop with a reference to it": """
import asyncio, httpx
from weakref import ref as weak_ref

clients = {}

def client():
    loop = asyncio.get_running_loop()
    made, of = clients.get(id(loop), (None, None))
    if of is None or of() is None:
        made = httpx.AsyncClient()
        clients[id(loop)] = made, weak_ref(loop)
    return made
""",
    "one of two runs of a function": """
import asyncio, httpx

client = httpx.AsyncClient()

async def ask():
    await client.get("https://a.example")

def run(verbose):
    if verbose:
        return asyncio.run(ask())
    else:
        return asyncio.run(ask())

def main():
    print(run(True))
""",
    "a lock that nobody holds while it waits": """
import asyncio

lock = asyncio.Lock()
done = set()

async def note(number):
    async with lock:
        done.add(number)

async def main():
    await asyncio.gather(note(1), note(2))

for _ in range(2):
    asyncio.run(main())
""",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_what_the_source_does_not_show_to_be_wrong_has_no_alert(text: str, tmp_path: Path) -> None:
    assert checked(tmp_path, app=text) == []


def test_a_task_that_starts_itself_again_is_followed_once(tmp_path: Path) -> None:
    text = """
import asyncio

lock = asyncio.Lock()

async def again():
    async with lock:
        await asyncio.sleep(0)
        await asyncio.gather(again())

for _ in range(2):
    asyncio.run(again())
"""
    assert [each.code for each in checked(tmp_path, app=text)] == ["EL001"]


ASKING = """
import asyncio, httpx, multiprocessing, threading

client = httpx.AsyncClient()
clients = [httpx.AsyncClient()]
here = threading.local()

async def ask(client=client):
    return await client.get("https://a.example")

async def ask_all():
    for each in clients:
        await each.get("https://a.example")

def kept():
    if not hasattr(here, "client"):
        here.client = httpx.AsyncClient()
    return here.client

async def ask_kept():
    return await kept().get("https://a.example")
"""
SERVED = """
app = FastAPI()

async def warm_up():
    await client.get("https://a.example")

asyncio.run(warm_up())

@app.get("/")
async def index():
    await client.get("https://a.example")
"""
RUNS = """
import asyncio, functools, httpx, threading

client = httpx.AsyncClient()

class One:
    _one = None

    def __new__(cls):
        if cls._one is None:
            cls._one = super().__new__(cls)
            cls._one.client = httpx.AsyncClient()
        return cls._one

    async def ask(self):
        return await self.client.get("https://a.example")

async def ask():
    return await client.get("https://a.example")
"""
RETRY = """
import asyncio

async def ask_again(ask):
    while True:
        try:
            return await ask()
        except RuntimeError as error:
            if error.args[0] != "Event loop is closed":
                raise
"""
INSTANCE = """
import asyncio, httpx

class One:
    _one = None

    def __init__(self):
        self.client = httpx.AsyncClient()

    @classmethod
    def get(cls):
        if cls._one is None:
            cls._one = cls()
        return cls._one

    async def ask(self):
        return await self.client.get("https://a.example")

for _ in range(2):
    asyncio.run(One.get().ask())
"""
FOUND = {
    "two runners": (
        "EL001",
        {
            "app": RUNS
            + "with asyncio.Runner() as r:\n    r.run(ask())\nwith asyncio.Runner() as r:\n    r.run(ask())\n"
        },
    ),
    "a singleton": ("EL001", {"app": RUNS + "for _ in range(2):\n    asyncio.run(One().ask())\n"}),
    "threads that run asyncio.run": (
        "EL010",
        {"app": RUNS + "for _ in range(2):\n    threading.Thread(target=asyncio.run, args=(ask(),)).start()\n"},
    ),
    "an error that is compared": ("EL008", {"app": RETRY}),
    "a list": ("EL001", {"app": ASKING + "\nfor _ in range(2):\n    asyncio.run(ask_all())\n"}),
    "a thread's own storage": ("EL001", {"app": ASKING + "\nfor _ in range(2):\n    asyncio.run(ask_kept())\n"}),
    "a helper": (
        "EL002",
        {
            "app": "import httpx\n\ndef made():\n    return httpx.AsyncClient()\n\nasync def ask():\n"
            "    client = made()\n    client.me = [client]\n    await client.get('https://a.example')\n"
        },
    ),
    "a child process": (
        "EL011",
        {
            "app": "import asyncio, httpx, multiprocessing\nclient = httpx.AsyncClient()\n\nasync def ask():\n"
            "    await client.get('https://a.example')\n\ndef work():\n    asyncio.run(ask())\n\nasyncio.run(ask())\n"
            "multiprocessing.Process(target=work).start()\n"
        },
    ),
    "a server that loads first": ("EL011", {"app": ASKING + SERVED, "gunicorn.conf": "preload_app = True\n"}),
    "a pool that is made first": (
        "EL011",
        {
            "app": "import asyncio, asyncpg\napp = FastAPI()\nloop = asyncio.new_event_loop()\n"
            "pool = loop.run_until_complete(asyncpg.create_pool())\n\n@app.get('/')\nasync def index():\n"
            "    return await pool.fetchval('select 1')\n",
            "gunicorn.conf": "preload_app = True\n",
        },
    ),
    "an instance": ("EL001", {"app": INSTANCE}),
    "a loop of an object": (
        "EL013",
        {
            "app": "import asyncio\n\nclass Runs:\n    def __init__(self):\n        self.l = asyncio.new_event_loop()\n"
            "\n    def run(self, coroutine):\n        return self.l.run_until_complete(coroutine)\n"
        },
    ),
}


@pytest.mark.parametrize(("code", "files"), FOUND.values(), ids=FOUND)
def test_a_rule_knows_more_than_one_way_to_write_its_mistake(code: str, files: dict[str, str], tmp_path: Path) -> None:
    assert [each.code for each in checked(tmp_path, **files)] == [code]
