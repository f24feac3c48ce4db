"""Which calls make an async client, pool or connection: by the table of libraries, else by its name's shape."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass
from typing import Final

from diagnostics.model.libraries import LIBRARIES, Library
from diagnostics.rewrite.rules.engine.source_file import CodeScope, dotted
from diagnostics.rewrite.rules.engine.tree import OuterName, SourceTree

CLOSERS: Final = frozenset(
    {"aclose", "close", "dispose", "disconnect", "stop", "shutdown", "drain", "terminate", "quit", "close_all"}
    | {"__aexit__", "reset", "wait_closed", "abort", "expire_connections", "release", "detach", "kill", "close_async"}
)
"""Methods that close, or that let go of connections."""

HANDED: Final = frozenset(
    {"http_client", "async_http_client", "httpx_async_client", "async_client", "client", "connection_pool", "session"}
    | {"connector", "transport", "app", "mounts", "pool", "connection", "httpx_client", "creator"}
)
"""Arguments with which the client uses the connections of something else, or none."""

_ROOTS: Final[dict[str, list[Library]]] = {}
for _row in LIBRARIES.values():
    _ROOTS.setdefault(_row.module.partition(".")[0], []).append(_row)

_KEPT_BY: Final = re.compile(r"^(from_[a-z_]+|create|get_default)$")
_IN_MEMORY: Final = re.compile(r"^(sqlite|postgresql\+psycopg:)")
_STANDARD: Final = {
    "asyncio.open_connection": "connection",
    "asyncio.create_subprocess_exec": "process",
    **{f"asyncio.{name}": name.lower() for name in ("Lock", "Semaphore", "Event", "Condition", "Queue")},
    "asyncio.BoundedSemaphore": "semaphore",
    "asyncio.PriorityQueue": "queue",
    "asyncio.LifoQueue": "queue",
}
"""What a loop owns in the standard library; what tasks wait for belongs to the loop of the first that waits."""

WAITS: Final = frozenset({"acquire", "get", "put", "wait", "wait_for", "join"})
"""Methods of locks and queues that may wait."""


@dataclass(frozen=True)
class ClientMaker:
    """What a call makes.

    Attributes:
        what: the class or function that is called, as a person writes it.
        library: its row; `None` for one that is known by its shape only.
        made_by: the dotted name.
    """

    what: str
    library: Library | None
    made_by: str

    @property
    def is_primitive(self) -> bool:
        """Whether it is a lock, a queue or the like, which belongs to a loop once a task waits for it."""
        return self.made_by in _STANDARD and self.made_by.rpartition(".")[2][:1].isupper()

    @property
    def is_lock(self) -> bool:
        """Whether tasks wait for it only while another one holds it."""
        return self.made_by in ("asyncio.Lock", "asyncio.Semaphore", "asyncio.BoundedSemaphore")

    @property
    def title(self) -> str:
        """The class with what it is, or what a function makes."""
        if not self.what.rpartition(".")[2][:1].isupper():
            return f"{self.noun} of `{self.what}`"
        return self.what if self.noun in self.what.lower() else f"{self.what} {self.noun}"

    @property
    def noun(self) -> str:
        """What to call it."""
        last = self.what.rpartition(".")[2]
        return {"create_async_engine": "engine", "create_pool": "pool", "connect": "connection"}.get(
            last, _STANDARD.get(self.made_by, "channel" if last.endswith("channel") else "client")
        )


def client_maker(call: ast.Call, scope: CodeScope, tree: SourceTree) -> ClientMaker | None:
    """Returns what a call makes, if that is an async client with connections of its own."""
    target = tree.resolve(call.func, scope)
    if isinstance(target, CodeScope) and target.is_class:
        return _subclass(target, tree)
    if not isinstance(target, OuterName) or _has_no_pool(call):
        return None
    what = ".".join(dotted(call.func)[-2:])
    return of_name(target.dotted, what, tree)


def of_name(name: str, what: str, tree: SourceTree) -> ClientMaker | None:
    """Returns what the call of a dotted name makes."""
    parts = name.split(".")
    if name in _STANDARD:
        return ClientMaker(what, None, name)
    if len(parts) > 2 and _KEPT_BY.match(parts[-1]) and parts[-2][:1].isupper():
        parts = parts[:-1]
    rows = _ROOTS.get(parts[0], [])
    for row in rows:
        if any(
            _is(parts, [*row.module.split("."), *wanted.split(".")]) for wanted in (row.client, *row.makes) if wanted
        ):
            return ClientMaker(what, row, name)
    if any(parts[-1] == each.rpartition(".")[2] for row in rows for each in (*row.per_loop, *_sync(row))):
        return None
    if parts[0] in tree.roots or not _looks_like_one(parts):
        return None
    return ClientMaker(what, rows[0] if rows else None, name)


def _sync(row: Library) -> tuple[str, ...]:
    return (row.sync_client,) if row.sync_client else ()


def _is(parts: list[str], wanted: list[str]) -> bool:
    """Returns whether a name is one of the table, also where the program imports it from deeper in the package."""
    return parts[0] == wanted[0] and parts[-1] == wanted[-1] and set(wanted) <= set(parts)


def _looks_like_one(parts: list[str]) -> bool:
    """Returns whether a name of any library looks like that of an async client."""
    *path, name = parts
    if not path or path[0] in sys.stdlib_module_names or not name[:1].isupper():
        return False
    if re.fullmatch(r"Async[A-Z]\w*Client", name):
        return True
    if {"aio", "asyncio"} & set(path[1:]) and name.endswith("Client"):
        return True
    vendor, rest = re.sub(r"[^a-z0-9]", "", path[0].lower()), name[5:].lower()
    is_of_vendor = rest in vendor or rest.startswith(vendor) or rest.endswith(vendor)
    return name.startswith("Async") and len(rest) > 3 and is_of_vendor


def _has_no_pool(call: ast.Call) -> bool:
    """Returns whether the arguments say that no connections of its own are kept, or none that belong to a loop."""
    named = {each.arg: each.value for each in call.keywords}
    if set(named) & HANDED and not all(_is_nothing(named[name]) for name in set(named) & HANDED):
        return True
    options = [each.value for each in call.keywords if each.arg in ("poolclass", None)]  # also in `**(given or {…})`
    words = [dotted(each) for value in options for each in ast.walk(value)]
    if any("NullPool" in each for each in words) or _says_no_pool(named.get("limits")):
        return True
    first = call.args[0] if call.args else named.get("url")
    if isinstance(first, ast.JoinedStr) and first.values:
        first = first.values[0]
    return isinstance(first, ast.Constant) and isinstance(first.value, str) and bool(_IN_MEMORY.match(first.value))


def _is_nothing(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _says_no_pool(limits: ast.expr | None) -> bool:
    return isinstance(limits, ast.Call) and any(
        each.arg == "max_keepalive_connections" and isinstance(each.value, ast.Constant) and each.value.value == 0
        for each in limits.keywords
    )


def _subclass(cls: CodeScope, tree: SourceTree, depth: int = 0) -> ClientMaker | None:
    for base in tree.bases(cls):
        if isinstance(base, OuterName):
            found = of_name(base.dotted, cls.name, tree)
            if found is not None and found.made_by[:8] != "asyncio.":
                return found
        elif isinstance(base, CodeScope) and depth < 4 and (found := _subclass(base, tree, depth + 1)) is not None:
            return ClientMaker(cls.name, found.library, found.made_by)
    return None


def is_async_use(chain: list[str], maker: ClientMaker) -> bool:
    """Returns whether a call of `client.a.b` is one that uses the event loop."""
    by = maker.library.async_by if maker.library is not None else ""
    if not by:
        return True
    return any(each == by or (by.startswith("_") and each.endswith(by)) for each in chain)
