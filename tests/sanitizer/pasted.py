"""Wrong programs of every kind and type, and where the code that `run` suggests for them goes.

`MISTAKES` has a row for each kind and `PLACES` one for each type of program. A program is a mistake in a place. Its
repaired form has the advised code instead: `...` in that code stands for what the program did.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final

HEAD: Final = """
import asyncio, os
import openai

question = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}

async def call(client):
    try:
        print((await client.chat.completions.create(**question)).id)
    except openai.APIConnectionError as error:
        print(type(error).__name__)
"""
HTTPX: Final = """
import asyncio, os
import httpx

options = {"limits": httpx.Limits(max_connections=1), "timeout": httpx.Timeout(5, pool=0.1)}
kept = []

async def call(client):
    request = client.build_request("GET", os.environ["SERVICE"])
    try:
        kept.append(await client.send(request, stream=True))
    except httpx.PoolTimeout as error:
        print(type(error).__name__)
"""
LOOPS: Final = f"""{HEAD}
import gc

def closed(coroutine):
    loop = asyncio.new_event_loop()
    loop.run_until_complete(coroutine)
    loop.close()

def dropped(coroutine):
    asyncio.new_event_loop().run_until_complete(coroutine)
    gc.collect()

def kept_open(coroutine):
    global loop
    loop = asyncio.new_event_loop()
    loop.run_until_complete(coroutine)
"""
STREAM: Final = 'client.chat.completions.create(**{**question, "stream": True})'


@dataclass(frozen=True)
class WrongBody:
    """A wrong coroutine.

    Attributes:
        kept: what the module keeps.
        use: the body of the coroutine.
        does: what stands for `...` in the advised code; the other part of it where the code has two.
        instead: the body of the coroutine where the advised code is only a part of it.
        loop: what runs a loop instead of `asyncio.run`, and `runs` in the repaired program.
    """

    kept: str = ""
    use: str = "await call(client)"
    does: tuple[str, ...] = ("await call(client)",)
    instead: str = ""
    loop: str = "asyncio.run"
    runs: str = "asyncio.run"
    head: str = HEAD


MISTAKES: Final = {
    "cross-loop-use": WrongBody("client = openai.AsyncOpenAI(max_retries=0)"),
    "duplicate-request": WrongBody("client = openai.AsyncOpenAI(max_retries=2)"),
    "stuck-waiter": WrongBody(
        "client = httpx.AsyncClient(**options)",
        does=("await call(client)\nawait kept.pop().aread()",),
        head=HTTPX,
    ),
    "client-left-open": WrongBody(use="client = openai.AsyncOpenAI(max_retries=0)\nawait call(client)"),
    "abandoned-stream": WrongBody(
        use=f"async with openai.AsyncOpenAI() as client:\n    async for part in await {STREAM}:\n        break",
        does=(STREAM, "break"),
        instead="async with openai.AsyncOpenAI() as client:\n    CODE",
    ),
    "pending-task-destroyed": WrongBody(
        use="task = asyncio.get_running_loop().create_task(asyncio.sleep(600))\nawait asyncio.sleep(0)",
        instead="task = asyncio.get_running_loop().create_task(asyncio.sleep(600))\nawait asyncio.sleep(0)\nCODE",
        loop="closed",
        runs="closed",
        head=LOOPS,
    ),
    "unclosed-at-exit": WrongBody(
        use="client = openai.AsyncOpenAI(max_retries=0)\nawait call(client)", loop="kept_open", head=LOOPS
    ),
    "loop-closed-by-gc": WrongBody(use="await asyncio.sleep(0)", does=(), loop="dropped", head=LOOPS),
}
RUNS: Final = "for _ in range(2):\n    asyncio.run(main())"
SERVE: Final = """
import threading, httpx, uvicorn

started = threading.Event()

class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        started.set()

server = Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical"))

def visit():
    started.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        for _ in range(2):
            httpx.get(f"http://127.0.0.1:{port}/", timeout=None)
    finally:
        server.should_exit = True

threading.Thread(target=visit).start()
server.run()
"""
OWN_LOOP: Final = SERVE.replace("server.run()", "asyncio.run(server.serve())")
THREAD: Final = """
import threading

loop = asyncio.new_event_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()
"""
STOP: Final = "loop.call_soon_threadsafe(loop.stop)\nthread.join()\nloop.close()\n"
BOTH: Final = f"asyncio.run_coroutine_threadsafe(ask(), loop).result()\nasyncio.run(ask())\n{STOP}"
INVOKE: Final = """
from mangum import Mangum

place = {"http": {"method": "GET", "path": "/", "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}, "stage": "$default"}
event = {"version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": {"host": "h"}}
for _ in range(2):
    Mangum(app, lifespan="off")({**event, "requestContext": place, "isBase64Encoded": False}, None)
"""
JOB: Final = """
from celery import Celery

app = Celery("tasks", broker="memory://", backend="cache+memory://")
app.conf.task_always_eager = True

@app.task
def job():
    asyncio.run(work())

for _ in range(2):
    job.delay().get()
"""
TESTS: Final = """
import pytest

@pytest.mark.asyncio
async def test_one(ARGUMENT):
    USE

@pytest.mark.asyncio
async def test_two(ARGUMENT):
    USE
"""
BROWSER: Final = """
import django
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["testserver"], SECRET_KEY="x")
django.setup()

async def index(request):
    USE
    return HttpResponse("")

urlpatterns = [path("", index)]
for _ in range(2):
    Client().get("/")
"""
FASTAPI: Final = "from fastapi import FastAPI\n"
LIBRARY: Final = """
import replicate

replicate.default_client._base_url = os.environ["SERVICE"]
replicate.default_client._api_token = "none"

async def ask():
    try:
        print(await replicate.async_run("a/b", input={"prompt": "quark"}))
    except Exception as error:
        print(type(error).__name__)

for _ in range(2):
    RUN
"""
BRIDGE: Final = """
from asgiref.sync import async_to_sync

KEPT
async def ask():
    USE

for _ in range(2):
    RUN
"""


@dataclass(frozen=True)
class ProgramShape:
    """Where a coroutine runs.

    Attributes:
        wrong: the program; KEPT and USE stand for the parts of the mistake.
        shared: the program with the code that is advised for a client that the module keeps.
        left: the same for a client that the coroutine leaves open.
    """

    wrong: str
    shared: str
    left: str
    pytest: bool = False


ROUTE: Final = '@app.get("/")\nasync def index():\n    USE\n'
PLACES: Final = {
    "script with one run": ProgramShape(
        "async def main():\n    USE\nasyncio.run(main())", "", "async def main():\n    CODE\nasyncio.run(main())"
    ),
    "script with several runs": ProgramShape(
        f"KEPT\nasync def main():\n    USE\n{RUNS}", f"CODE\n{RUNS}", f"async def main():\n    CODE\n{RUNS}"
    ),
    "server": ProgramShape(
        f"{FASTAPI}KEPT\napp = FastAPI()\nasync def main():\n    USE\n"
        f'@app.get("/")\ndef index():\n    asyncio.run(main())\n{SERVE}',
        f"{FASTAPI}CODE\n{SERVE}",
        f'{FASTAPI}app = FastAPI()\nasync def main():\n    CODE\n@app.get("/")\ndef index():\n'
        f"    asyncio.run(main())\n{SERVE}",
    ),
    "server on a loop of the program": ProgramShape(
        f"{FASTAPI}KEPT\napp = FastAPI()\nasync def main():\n    USE\n"
        f'@app.get("/")\nasync def index():\n    await main()\nasyncio.run(main())\n{OWN_LOOP}',
        f"{FASTAPI}CODE\n{ROUTE.replace('USE', 'client = app.state.client')}    USE\n{OWN_LOOP}",
        f"{FASTAPI}app = FastAPI()\nasync def main():\n    CODE\n{ROUTE.replace('USE', 'await main()')}"
        f"asyncio.run(main())\n{OWN_LOOP}",
    ),
    "loop in a thread": ProgramShape(
        f"{THREAD}KEPT\nasync def ask():\n    USE\n{BOTH}",
        f"{THREAD}KEPT\nasync def ask():\n    USE\nCODE\n{STOP}",
        f"{THREAD}async def ask():\n    CODE\n{BOTH}",
    ),
    "test": ProgramShape(
        f"KEPT\n{TESTS.replace('ARGUMENT', '')}",
        f"CODE\n{TESTS.replace('ARGUMENT', 'client')}",
        TESTS.replace("ARGUMENT", "").replace("USE", "CODE"),
        pytest=True,
    ),
    "task queue": ProgramShape(f"KEPT\nasync def work():\n    USE\n{JOB}", f"CODE\n{JOB}", f"CODE\n{JOB}"),
    "serverless handler": ProgramShape(
        f"{FASTAPI}KEPT\napp = FastAPI()\n{ROUTE}{INVOKE}",
        f"{FASTAPI}CODE\napp = FastAPI()\n{ROUTE.replace('USE', 'await work()')}{INVOKE}",
        f"{FASTAPI}CODE\napp = FastAPI()\n{ROUTE.replace('USE', 'await work()')}{INVOKE}",
    ),
    "thread bridge": ProgramShape(
        f"KEPT\n{BROWSER}",
        f"CODE\n{BROWSER.replace('USE', 'await view(request)')}",
        f"CODE\n{BROWSER.replace('USE', 'await view(request)')}",
    ),
    "thread bridge in a script": ProgramShape(
        BRIDGE.replace("RUN", "async_to_sync(ask)()"),
        "from asgiref.sync import async_to_sync\n\nCODE\nrun_sync(ask())\n",
        BRIDGE.replace("USE", "CODE").replace("RUN", "async_to_sync(ask)()"),
    ),
    "library": ProgramShape(LIBRARY.replace("RUN", "asyncio.run(ask())"), LIBRARY.replace("RUN", "CODE"), ""),
}


def wrong(mistake: WrongBody, place: ProgramShape) -> str:
    """Returns the program with its mistake."""
    text = put(put(place.wrong, "KEPT", mistake.kept), "USE", mistake.use)
    return mistake.head + text.replace("asyncio.run", mistake.loop)


def right(mistake: WrongBody, place: ProgramShape, code: str) -> str:
    """Returns the program with the code that was suggested for it."""
    filled = fill(code, mistake.does)
    if mistake.instead:
        text = put(put(place.wrong, "KEPT", mistake.kept), "USE", put(mistake.instead, "CODE", filled))
    elif mistake.loop == "dropped":
        text = put(put(place.wrong, "KEPT", ""), "USE", mistake.use).replace("asyncio.run(main())", code)
    else:
        text = put(place.shared if mistake.kept else place.left, "CODE", filled)
        text = put(put(text, "KEPT", mistake.kept), "USE", mistake.does[-1])
    return mistake.head + text.replace("asyncio.run", mistake.runs)


def put(text: str, word: str, lines: str) -> str:
    """Returns a text with lines in the place of a word that has a line for itself, at its indentation."""
    found = []
    for line in text.splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        found.append(textwrap.indent(lines, indent) if line.strip() == word else line)
    return "\n".join(found) + "\n"


def fill(code: str, does: tuple[str, ...]) -> str:
    """Returns code with what the program does in the place of `...`."""
    if len(does) > 1:
        code = code.replace("await ...", f"await {does[0]}", 1)
    return put(code, "...", does[-1]) if does else code
