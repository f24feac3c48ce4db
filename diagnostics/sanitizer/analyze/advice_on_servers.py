"""Advice for clients that programs make which a server, another host or a test client runs."""

from __future__ import annotations

import ast

from diagnostics.model.finding import Advice
from diagnostics.sanitizer.analyze.hosts import APPLICATIONS, ASGI, BY_IMPORT, HOSTS, LIFESPAN, SERVERS, Host
from diagnostics.sanitizer.analyze.runs import function_at
from diagnostics.sanitizer.analyze.scope import module_of
from diagnostics.sanitizer.analyze.situation import Situation
from diagnostics.sanitizer.analyze.sources import block


def is_served(about: Situation) -> bool:
    """Returns whether a host runs what makes or uses the client; the program may have made the loop."""
    # tornado makes loops for scripts, too.
    if about.made_by(*SERVERS, *(f" in {name}" for name in HOSTS if name not in (*APPLICATIONS, "tornado"))):
        return True
    # Where a coroutine of the program makes it, that one can close it.
    return about.has_host and not (about.is_made_in_coroutine and not about.is_used_elsewhere)


def _host(about: Situation) -> Host:
    on_stack = [name for name in about.hosts if name in HOSTS and name not in BY_IMPORT[-2:]]  # others build on them
    imported = [name for name in BY_IMPORT if about.uses(name)]
    made = [name for name in HOSTS if about.made_by(f" in {name}")]
    return HOSTS[[*on_stack, *imported, *made][0]] if on_stack or imported or made else ASGI


def lifespan(about: Situation) -> str:
    """Returns code that has the client for as long as its host runs, as that offers it."""
    host = _host(about)
    around = function_at(about.where)  # where a function makes the application, it can define this, too
    is_plain = around is not None and isinstance(around.inside, ast.FunctionDef)
    about = about.at(module_of(about.where), around if is_plain else None)
    indent = " " * (len(host.starts[-1]) - len(host.starts[-1].lstrip()) + (4 if host.starts[-1].endswith(":") else 0))
    if not host.stops:
        return block(*host.starts, about.managed(host.body, indent, host.keeps), *host.then)
    lines = [*about.closing(host.keeps), *host.ends]
    stop = (*host.stops, *(indent + each for each in lines))
    return block(*host.starts, indent + about.opening(host.keeps), "", *stop, *host.then)


def on_server(about: Situation) -> list[Advice]:
    """A host runs one loop from its start to its end: the client lives as long."""
    text = f"{about.create} {_host(about).where}"
    if about.loops > 1:
        text += "; do not call it on another loop, such as that of an `asyncio.run` at start-up"
    return [Advice("context-manager", text, lifespan(about), about.where)]


def with_test_client(about: Situation) -> list[Advice]:
    """Each request of a TestClient that is not entered has a loop of its own."""
    keeps = "use `with TestClient(app) as test_client:`, which keeps one loop for all requests"
    text = f"{keeps}, and create the client {LIFESPAN}"
    code = block(lifespan(about), "", "with TestClient(app) as test_client:", "    test_client.get(...)")
    return [Advice("context-manager", text, code, about.where)]


def view(about: Situation) -> list[Advice]:
    """Under WSGI a view runs a loop for each request; Django has no lifespan under ASGI either."""
    why = ": under WSGI each request runs a loop of its own" if about.made_by("asgiref") else ", and close it there"
    there = about.at(module_of(about.where))
    code = block("async def view(request):", there.managed(indent="    "))
    own = Advice("context-manager", f"create and close the client inside the view{why}", code, about.where)
    served = "or serve the application over ASGI, where one loop runs all async views"
    return [own, *([Advice("single-run", served, "", None)] if about.made_by("asgiref") else [])]
