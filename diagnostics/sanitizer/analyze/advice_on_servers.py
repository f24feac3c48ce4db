"""Advice for clients that applications make which a server or a test client runs."""

from __future__ import annotations

from typing import Final

from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.situation import SERVERS, Situation
from diagnostics.sanitizer.analyze.sources import block

_LIFESPAN_TEXT: Final = "create the client in the application's lifespan and close it there"


def is_served(about: Situation) -> bool:
    """Returns whether a server runs what makes or uses the client; the program may have made the loop."""
    if about.made_by(*SERVERS):
        return True
    # Where a coroutine of the program makes it, that one can close it.
    return bool(about.servers) and not (about.is_made_in_coroutine and not about.is_used_elsewhere)


def lifespan(about: Situation) -> str:
    """Returns code that has the client for as long as the application runs, as its framework offers it."""
    if "aiohttp" in about.servers:
        client = about.managed("yield", "    ", 'app["client"]')
        return block("async def client(app):", client, "", "app.cleanup_ctx.append(client)")
    if about.uses("quart"):
        return block("@app.while_serving", "async def lifespan():", about.managed("yield", "    ", "app.client"))
    apps = {"litestar": "Litestar(lifespan=[lifespan])", "fastapi": "FastAPI(lifespan=lifespan)"}
    app = next((code for name, code in apps.items() if about.uses(name)), "Starlette(lifespan=lifespan)")
    return block(
        "@contextlib.asynccontextmanager",
        "async def lifespan(app):",
        about.managed("yield", "    ", "app.state.client"),
        "",
        f"app = {app}",
    )


def on_server(about: Situation) -> list[Advice]:
    """A server runs one loop for as long as the application: the client lives as long."""
    where = {"aiohttp": "`cleanup_ctx`", "quart": "`while_serving`"}
    found = [name for name in where if name in about.servers or about.uses(name)]
    text = _LIFESPAN_TEXT + (f", its {where[found[0]]}" if found else "")
    if about.loops > 1:
        text += "; do not call it on another loop, such as that of an `asyncio.run` at start-up"
    return [Advice("context-manager", text, lifespan(about), about.where)]


def with_test_client(about: Situation) -> list[Advice]:
    """Each request of a TestClient that is not entered has a loop of its own."""
    text = f"use `with TestClient(app) as test_client:`, which keeps one loop for all requests, and {_LIFESPAN_TEXT}"
    code = block(lifespan(about), "", "with TestClient(app) as test_client:", "    test_client.get(...)")
    return [Advice("context-manager", text, code, about.where)]


def endpoint(about: Situation) -> Advice:
    """A `def` endpoint runs a loop for each request."""
    text = f"make the endpoint `async def` and await your coroutine in it; {_LIFESPAN_TEXT}"
    is_fastapi = about.uses("fastapi")
    head = ('@app.get("/")', "async def endpoint():") if is_fastapi else ("async def endpoint(request):",)
    route = (*head, f"    client = {'' if is_fastapi else 'request.'}app.state.client", "    ...")
    return Advice("context-manager", text, block(lifespan(about), "", *route), about.where)


def view(about: Situation) -> list[Advice]:
    """Under WSGI a view runs a loop for each request; Django has no lifespan under ASGI either."""
    why = ": under WSGI each request runs a loop of its own" if about.made_by("asgiref") else ", and close it there"
    code = block("async def view(request):", about.managed(indent="    "))
    own = Advice("context-manager", f"create and close the client inside the view{why}", code, about.where)
    served = "or serve the application over ASGI, where one loop runs all async views"
    return [own, *([Advice("single-run", served, "", None)] if about.made_by("asgiref") else [])]
