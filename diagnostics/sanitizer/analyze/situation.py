"""What advice depends on: the findings of one root cause, what created the loops, and how the client is made."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from diagnostics.model.finding import ClientFacts, Finding, LoopFacts, Site
from diagnostics.model.libraries import LIBRARIES, Library
from diagnostics.sanitizer.analyze.hosts import APPLICATIONS, hosts
from diagnostics.sanitizer.analyze.made import CLIENT, MADE, TRANSPORT, MadeByAsyncio
from diagnostics.sanitizer.analyze.phrasing import noun
from diagnostics.sanitizer.analyze.runs import HandedOver, coroutines, handed_over, head, run_at
from diagnostics.sanitizer.analyze.scope import Place, module_of, node_of, written_at
from diagnostics.sanitizer.analyze.sources import (
    assigned_at,
    creation_of,
    fixture_around,
    function_around,
    given_to,
    has_class,
    is_local_at,
    mentions,
)
from diagnostics.sanitizer.capture.facts import KEPT
from diagnostics.sanitizer.capture.sites import belongs, in_stdlib, is_users


class Situation(NamedTuple):
    """A mistake in its program.

    Attributes:
        findings: of one root cause, the one that says most first.
        frameworks: that the program has imported.
        makers: what created the loops, in words.
        client: the class to write, without its module; empty where no client is involved.
        creation: the expression that creates the client, as the program writes it.
        closer: how it is closed: see `capture.closers`; empty where it offers nothing.
        where: the line that creates it.
        loops: how many loops are involved.
        source: the expression where it is; `creation` may be that of another place.
        imports: the lines that such a place lacks.
    """

    findings: Sequence[Finding]
    frameworks: Collection[str]
    makers: frozenset[str]
    client: str
    creation: str
    closer: str
    where: Site | None
    loops: int
    source: str = ""
    imports: tuple[str, ...] = ()

    @property
    def kinds(self) -> set[str]:
        """The kinds of the findings."""
        return {finding.kind for finding in self.findings}

    @property
    def component(self) -> str:
        """Whose code is at fault in the worst finding."""
        return self.findings[0].fault.component

    @property
    def is_used_elsewhere(self) -> bool:
        """Whether a call used what belongs to another loop, rather than that it was only closed there."""
        return bool(self.kinds & {"cross-loop-use", "duplicate-request", "stuck-waiter", "use-after-loop-close"})

    @property
    def fixture(self) -> tuple[str, str] | None:
        """Name and scope of the fixture that makes the client."""
        test = self.findings[0].test
        if test is not None and test.fixture:
            return test.fixture, test.scope or ""
        return fixture_around(self.where) if self.uses("pytest") else None

    @property
    def in_fixture(self) -> bool:
        """Whether a fixture makes the client for the loops of a plugin, which could run the fixture too."""
        return self.fixture is not None and self.made_by("pytest-asyncio", "anyio, ")

    @property
    def has_function_scope(self) -> bool:
        """Whether each test has a client of its own."""
        return self.fixture is not None and self.fixture[1] == "function"

    @property
    def hosts(self) -> list[str]:
        """What runs the code that makes the client, opens its connections or uses it: see `hosts.hosts`."""
        return [name for stack in self._stacks for name in hosts(stack)]

    @property
    def has_host(self) -> bool:
        """Whether one of the hosts keeps a loop of its own."""
        return bool({*self.hosts} - {*APPLICATIONS})

    @property
    def is_made_in_coroutine(self) -> bool:
        """Whether a coroutine of the program makes the client, and no host runs that."""
        client = self.findings[0].client
        return (
            function_around(self.where) is not None
            and client is not None
            and not {*hosts(client.stack)} - {*APPLICATIONS}
        )

    @property
    def is_local(self) -> bool:
        """Whether only a variable of the coroutine that makes the client keeps it, and no other call uses it."""
        return self.is_made_in_coroutine and not self.is_used_elsewhere and is_local_at(self.where)

    @property
    def kept_loop(self) -> LoopFacts | None:
        """The loop that a thread of the program runs until it is stopped; the client belongs to it or is used on it."""
        for each in self.findings:
            opened, access = each.connection, each.access
            made = each.client.stack if opened is None and each.client is not None else ()
            if _is_kept(each.loop) or _is_thread_of(made if opened is None else opened.stack):
                return each.loop
            if access is not None and (_is_kept(access.running) or _is_thread_of(access.stack)):
                return access.running
        return None

    @property
    def closed_by_hand(self) -> Site | None:
        """The line of the program that closes the client's loop."""
        loops = (each.loop for each in self.findings if each.loop is not None)
        return next((each.closed_at for each in loops if each.closed_by == "user" and each.closed_at is not None), None)

    @property
    def is_bridged(self) -> bool:
        """Whether the program calls `async_to_sync` itself, rather than that a framework does for a view."""
        sites = [self.where, *(each.access.site for each in self.findings if each.access is not None)]
        return any(mentions(place, "async_to_sync") for place in sites)

    @property
    def made_along(self) -> tuple[Site, ...]:
        """The frames in which the client is made."""
        client = self.findings[0].client
        return client.stack if client is not None else ()

    @property
    def _stacks(self) -> list[tuple[Site, ...]]:
        parts = [part for each in self.findings for part in (each.client, each.access, each.connection) if part]
        return [part.stack for part in parts]

    @property
    def in_test(self) -> bool:
        """Whether the body of a test makes the client."""
        test = self.findings[0].test
        return test is not None and test.phase == "call"

    @property
    def is_primitive(self) -> bool:
        """Whether it is about a lock, queue or event of asyncio, which nobody closes."""
        return self._type.startswith("asyncio.") and not self.closer

    @property
    def _type(self) -> str:
        client = self.findings[0].client
        return client.type if client is not None else ""

    @property
    def _made(self) -> MadeByAsyncio:
        function = self.creation.partition("(")[0].rpartition(".")[2]
        return MADE.get(self._type, TRANSPORT if function in TRANSPORT.functions else CLIENT)

    @property
    def is_made(self) -> bool:
        """Whether a function of asyncio makes it."""
        return self._made is not CLIENT

    @property
    def is_created(self) -> bool:
        """Whether the source has the expression that creates it."""
        return not self.creation.endswith("(...)")

    @property
    def is_own_class(self) -> bool:
        """Whether the program defines the class, where it creates the object or in what it opens."""
        client = self.findings[0].client
        return client is not None and any(has_class(each, self.client) for each in (self.where, client.created_at))

    @property
    def create(self) -> str:
        """What to do to have one: `create the client`."""
        return f"{self._made.verb} the {self.noun}"

    @property
    def noun(self) -> str:
        """What a reader would call it."""
        return self._made.noun if self.is_made else noun(self.client)

    @property
    def coroutines(self) -> list[Place]:
        """The coroutine functions that the program runs on the loops, those that a loop runs itself first."""
        return coroutines(self.findings)

    @property
    def run(self) -> str:
        """The first line of the coroutine function that the program runs on the loops."""
        closes = self.kinds & {"cross-loop-close"} and not self.is_used_elsewhere
        if closes:  # what runs on the other loop only closes
            loop = self.findings[0].loop
            place = run_at(loop.created_at if loop is not None else None)
        else:
            place = next(iter(self.coroutines), None)
        return head(place, self.variable) if place is not None else "async def main():"

    @property
    def handed_over(self) -> HandedOver | None:
        """What code of a running loop gives to a thread, which runs a loop of its own there."""
        return handed_over(self.findings)

    def at(self, *goals: Place | None) -> Situation:
        """Returns the situation with the expression that creates the client as another place writes it.

        Args:
            goals: the first that knows all of it counts; else the first one, without the arguments.
        """
        origin, node = module_of(self.where), node_of(self.where, self.creation)
        moved = [written_at(origin, node, each) for each in goals if origin and node and each is not None]
        if not moved:
            return self
        chosen = next((each for each in moved if each.is_whole), moved[0])
        prefix = "await " if self.creation.startswith("await ") and not chosen.is_same else ""
        text = self.creation if chosen.is_same else prefix + (chosen.text or f"{self.client}(...)")
        return self._replace(creation=text, imports=chosen.imports)

    @property
    def is_elided(self) -> bool:
        """Whether what the client takes is unknown in the place where `creation` creates it."""
        return self.creation.endswith("(...)") and not self.source.endswith("(...)")

    def made_by(self, *words: str) -> bool:
        """Whether one of the loops was created by something with one of these words in its description."""
        return any(word in maker for maker in self.makers for word in words)

    def uses(self, *frameworks: str) -> bool:
        """Whether the program has imported one of these."""
        return any(name in self.frameworks for name in frameworks)

    def runs_in(self, *packages: str) -> bool:
        """Whether one of these called the code that makes the client, opens its connections or uses it."""
        files = {each.file for stack in self._stacks for each in stack}
        return any(belongs(file, name) for file in files for name in packages)

    @property
    def library(self) -> Library | None:
        """What is known of the client's library."""
        return _library(self._type)

    @property
    def without_pool(self) -> str:
        """Code for a client that serves all runs because it keeps no connection; empty where there is none."""
        library = self.library
        found = library.no_pool if library is not None else None
        if library is None or found is None or not (self.is_created and self.is_used_elsewhere):
            return ""
        names = [name.rpartition(".")[2] for name in (*library.makes, library.client) if name]
        head = self.creation.removesuffix(")").rstrip(", ")
        if self.creation.partition("(")[0].rpartition(".")[2] not in names:
            head = f"{names[0]}(..."  # what made it, such as `engine.connect()`, belongs to what has the pool
        return f"{found[1]}\nclient = {head}{'' if head.endswith('(') else ', '}{found[0]})"

    @property
    def is_managed(self) -> bool:
        """Whether `async with` closes the client."""
        return self.closer.startswith("async with")

    @property
    def to_enter(self) -> str:
        """The expression whose value `async with` takes."""
        either = self.closer == "async with or await"  # and some of these can be opened only once
        creation = self.creation.removeprefix("await ") if either else self.creation
        if creation.endswith(".__aenter__()"):
            return creation.removeprefix("await ").removesuffix(".__aenter__()")
        return creation

    @property
    def target(self) -> str:
        """What the program assigns the client to, as it writes it."""
        return given_to(self.where, self.source) if not self.source.endswith("(...)") else ""

    @property
    def variable(self) -> str:
        """The name for the client in code that creates it: that of the program; of `self._http`, the last part."""
        name = self.target.rpartition(".")[2].strip("_")
        return name if name.isidentifier() else "client"

    @property
    def runs(self) -> str:
        """The call that `run_sync` replaces: how the program runs coroutines on these loops."""
        if self.made_by("portal"):
            return "portal.call(ask)"
        if self.makers == {"asyncio.Runner"}:
            return "runner.run(ask())"
        return "loop.run_until_complete(ask())" if self.makers == {"asyncio.new_event_loop"} else "asyncio.run(ask())"

    def managed(self, body: str = "...", indent: str = "", name: str = "client") -> str:
        """Returns code that creates the client, does something, and closes it."""
        if self.is_managed:
            return f"{indent}async with {self.to_enter} as {name}:\n{indent}    {body}"
        closed, names = self.names(name)
        lines = [f"{names} = {self.creation}"] if self.is_created or not self.is_made else []
        if self.closer:
            lines += ["try:", f"    {body}", "finally:", *(f"    {each}" for each in self.closing(closed))]
        else:
            lines.append(body)
        return "\n".join(indent + line for line in lines)

    def names(self, name: str = "client") -> tuple[str, str]:
        """Returns the variable that is closed, and all that get what the expression of `creation` returns."""
        return (self._made.closed, self._made.names) if self.is_made else (name, name)

    def opening(self, name: str) -> str:
        """Returns the line that creates the client of this name, for another function to close."""
        creation = self.creation
        if self.is_managed and not self._close and not creation.startswith("await "):
            creation = f"await {self.to_enter}.__aenter__()"
        return f"{self._made.names.replace(self._made.closed, name)} = {creation}"

    @property
    def _close(self) -> str:
        return self.library.close if self.library is not None else ""

    def closing(self, name: str) -> list[str]:
        """Returns the lines that close the client of this name where no `async with` is around its use."""
        if self.is_managed:
            return [f"await {name}.{self._close}()" if self._close else f"await {name}.__aexit__(None, None, None)"]
        lines = []
        for call in self.closer.split("; "):
            how, _, method = call.rpartition(" ")
            if how == "maybe await":
                lines += [f"closed = {name}.{method}", "if inspect.isawaitable(closed):", "    await closed"]
            else:
                lines.append(f"{how} {name}.{method}".lstrip())
        return lines


def _is_kept(loop: LoopFacts | None) -> bool:
    """Returns whether a thread of the program keeps a loop by `asyncio.run`, to which others give coroutines."""
    return loop is not None and str(loop.created_by).endswith(f", {KEPT}")


def _is_thread_of(stack: Sequence[Site]) -> bool:
    """Returns whether a stack is that of a loop which a thread of the program runs until it is stopped."""
    callers = [stack[at + 1].file for at, each in enumerate(stack[:-1]) if each.function == "run_forever"]
    own = callers and (is_users(callers[-1]) or callers[-1].endswith("threading.py"))
    return bool(own) and stack[-1].function == "_bootstrap" and in_stdlib(stack[-1].file)


def situation(findings: Sequence[Finding], frameworks: Collection[str]) -> Situation:
    """Collects what the advice depends on.

    Args:
        findings: of one root cause, the one that says most first.
        frameworks: that the program has imported.
    """
    client = next((finding.client for finding in findings if finding.client is not None), None)
    loops = [loop for each in findings for loop in (each.loop, each.access.running if each.access else None) if loop]
    short = client.type.rsplit(".", 1)[-1] if client is not None else ""
    where, assigned = _creation_site(client)
    made, library = MADE.get(client.type if client else "", CLIENT), _library(client.type if client else "")
    makes = [name.rpartition(".")[2] for name in library.makes] if library is not None else []
    creation = creation_of(where, short, *made.functions, *makes, assigned=assigned)
    return Situation(
        findings=findings,
        frameworks=frameworks,
        makers=frozenset(loop.created_by for loop in loops if loop.created_by),
        client=short,
        creation=creation,
        source=creation,
        closer=client.closer if client is not None else "",
        where=where,
        loops=len({loop.id for loop in loops}),
    )


def _library(cls: str) -> Library | None:
    return next((row for row in LIBRARIES.values() if cls.startswith(f"{row.module}.")), None)


def _creation_site(client: ClientFacts | None) -> tuple[Site | None, bool]:
    """Returns the line that creates a client, and whether the call there returns it, whatever that is named."""
    if client is None:
        return None, False
    held = client.held_by
    if held is None or held.site is None:
        return client.created_at, not client.first_use
    targets = assigned_at(held.site, "").strip("()").split(", ")
    direct = {each.rpartition(".")[2] for each in targets}
    inside = held.name.rpartition(".")[2] not in direct and {*re.split(r"[.\[]", held.name)} & {*targets}
    made = client.created_at
    if inside or (len(targets) > 1 and made is not None and made.line != held.site.line):
        return made, False  # what it keeps, or what a call returns with it, has the client inside
    return held.site, True
