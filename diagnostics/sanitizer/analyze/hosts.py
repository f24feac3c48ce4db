"""What runs coroutines of the program on one loop, from its start to its end: servers, bots and workers.

A row is a host: how it is recognised on a stack, and where its programs open and close what lives as long as it does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from diagnostics.model.finding import Site
from diagnostics.sanitizer.capture.sites import installed, is_users, library


class Host(NamedTuple):
    """A host that has a place of its own for clients.

    Attributes:
        where: that place, as the object of `create the client`.
        keeps: the expression that has the client.
        starts: the lines in front of the one that creates it.
        stops: the lines in front of the one that closes it; empty where one block does both.
        ends: the lines after the one that closes it, of the same function.
        then: the lines that tell the host.
        body: what the block does meanwhile.
        files: the beginning of the paths of its files that call the program, from the package on; its name by default.
    """

    where: str
    keeps: str
    starts: tuple[str, ...]
    stops: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    body: str = "yield"
    files: str = ""


LIFESPAN: Final = "in the application's lifespan and close it there"
_LIFESPAN: Final = ("@contextlib.asynccontextmanager", "async def lifespan(app):")


def _at(start: str, stop: str) -> str:
    return f"in {start} and close it in {stop}"


def _asgi(name: str = "") -> Host:
    then = ("", f"app = {name}") if name else ()
    return Host(LIFESPAN, "app.state.client", _LIFESPAN, then=then)


ASGI: Final = _asgi()
"""An application of which no more is known."""

SERVERS: Final = ("uvicorn", "hypercorn", "gunicorn", "granian", "daphne")
"""Distributions that run the applications of others."""

HOSTS: Final = {
    "aiohttp": Host(
        f"{LIFESPAN}, its `cleanup_ctx`",
        'app["client"]',
        ("async def client(app):",),
        then=("", "app.cleanup_ctx.append(client)"),
        files="aiohttp/web",
    ),
    "aiogram": Host(
        _at("what `dp.startup` calls", "what `dp.shutdown` calls"),
        'dp["client"]',
        ("@dp.startup()", "async def start():"),
        ("@dp.shutdown()", "async def stop():"),
    ),
    "arq": Host(
        _at("`on_startup`", "`on_shutdown`"),
        'ctx["client"]',
        ("async def start(ctx):",),
        ("async def stop(ctx):",),
        then=("", "class WorkerSettings:", "    on_startup, on_shutdown = start, stop"),
    ),
    "blacksheep": Host(f"{LIFESPAN}", "app.client", ("@app.lifespan", "async def lifespan():")),
    "discord.py": Host(
        _at("`setup_hook`", "`close`"),
        "self.client",
        ("class Bot(discord.Client):", "    async def setup_hook(self):"),
        ("    async def close(self):",),
        ends=("await super().close()",),
        files="discord/",
    ),
    "falcon": Host(
        _at("the `process_startup` of a middleware", "its `process_shutdown`"),
        "client",
        ("class Lifespan:", "    async def process_startup(self, scope, event):", "        global client"),
        ("    async def process_shutdown(self, scope, event):",),
        then=("", "app.add_middleware(Lifespan())"),
    ),
    "gradio": Host(LIFESPAN, "demo.client", _LIFESPAN, then=("", 'demo.launch(app_kwargs={"lifespan": lifespan})')),
    "nicegui": Host(
        _at("what `app.on_startup` calls", "what `app.on_shutdown` calls"),
        "app.state.client",
        ("@app.on_startup", "async def start():"),
        ("@app.on_shutdown", "async def stop():"),
    ),
    "python-telegram-bot": Host(
        _at("`post_init`", "`post_shutdown`"),
        'application.bot_data["client"]',
        ("async def start(application):",),
        ("async def stop(application):",),
        then=("", "application.post_init = start", "application.post_shutdown = stop"),
        files="telegram/ext/",
    ),
    "quart": Host(f"{LIFESPAN}, its `while_serving`", "app.client", ("@app.while_serving", "async def lifespan():")),
    "sanic": Host(
        _at("a `before_server_start` listener", "an `after_server_stop` listener"),
        "app.ctx.client",
        ("@app.before_server_start", "async def start(app):"),
        ("@app.after_server_stop", "async def stop(app):"),
    ),
    "taskiq": Host(
        _at("a handler of the event `WORKER_STARTUP`", "one of `WORKER_SHUTDOWN`"),
        "state.client",
        (
            "from taskiq import TaskiqEvents",
            "",
            "@broker.on_event(TaskiqEvents.WORKER_STARTUP)",
            "async def start(state):",
        ),
        ("@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)", "async def stop(state):"),
    ),
    "tornado": Host(
        "in the coroutine that starts the server and close it there, before its loop ends",
        'app.settings["client"]',
        ("async def main():",),
        then=("", "asyncio.run(main())"),
        body="...",
        files="tornado/web",
    ),
    "litestar": _asgi("Litestar(lifespan=[lifespan])"),
    "fastapi": _asgi("FastAPI(lifespan=lifespan)"),
    "starlette": _asgi("Starlette(lifespan=lifespan)"),
}
"""Hosts by their distribution."""

APPLICATIONS: Final = ("falcon", "blacksheep", "gradio", "litestar", "nicegui", "fastapi", "starlette")
"""Those that something else runs, which makes the loop."""

BY_IMPORT: Final = ("falcon", "blacksheep", "quart", "litestar", "fastapi", "starlette")
"""Those that may have no line on the stack: the first that is imported counts."""

_FILES: Final = {name: row.files or f"{name}/" for name, row in HOSTS.items()} | {name: f"{name}/" for name in SERVERS}
_PACKAGES: Final = re.compile(r"/(?:site|dist)-packages/")


_CALLED: Final = {*HOSTS} - {*APPLICATIONS, "aiohttp", "quart", "sanic", "tornado"}
"""Those that are clients, too: without a line of the program, the stack may be that of a call."""


def hosts(stack: Sequence[Site]) -> list[str]:
    """Returns which hosts run the code of a stack, the one that calls the program first."""
    own = next((at for at, each in enumerate(stack) if is_users(each.file)), -1)  # what it calls does not run it
    found: dict[str, None] = {}
    for file in dict.fromkeys(each.file for each in stack[own + 1 :] if installed(each.file)):
        inside = _PACKAGES.split(file.replace("\\", "/"))[-1]
        package = library(file)
        inside = inside if package is None else f"{package}/{inside.rpartition(f'{package}/')[2]}"
        found.update({name: None for name, start in _FILES.items() if inside.startswith(start)})
    return [name for name in found if own >= 0 or name not in _CALLED]
