"""Who holds a connection of asyncio, whichever library opened it; asked when there is something to report.

The variable that keeps a connection is the best answer, because the person wrote it. First the objects that opened it
are searched for in the person's variables, then everything that those lead to. Where no variable keeps it, the stack of
its opening has to do.
"""

from __future__ import annotations

import gc
import itertools
import sys
import time
import types
import weakref
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from diagnostics.sanitizer.capture.closers import can_be_closed, closer_of, is_awaitable_only, is_entered_only
from diagnostics.sanitizer.capture.connections import MARK
from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord
from diagnostics.sanitizer.capture.following import Variables, inside, leads_on
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.holders import (
    DEPTH,
    ClientHolder,
    Variable,
    Wanted,
    attributes_of,
    reaches,
    variable_of,
)
from diagnostics.sanitizer.capture.openers import Opener, Receiver, opener, referred, written
from diagnostics.sanitizer.capture.sites import Stack, installed

_LEVELS: Final = 8
_WIDTH: Final = 40
_BUDGET: Final = 0.15
"""Seconds that following referrers may take in this process: each level reads the whole heap."""

_ALIKE_AT_MOST: Final = 3000
_INSIDE: Final = 4
_CLOSERS: Final = {
    "asyncio.StreamWriter": "close(); await wait_closed()",
    "asyncio.subprocess.Process": "kill(); await wait()",
}
"""For what is known by its name only."""

_OFFERS: Final = ("asyncio.streams", "asyncio.subprocess", "asyncio.base_events")
"""Modules of what asyncio gives a person to keep and close."""

Clients = Mapping[int, ClientRecord]
"""Clients that were seen as they were created, by their id."""

_KNOWN_AT_MOST: Final = 4096
_known: dict[tuple[int, type], ClientRecord] = {}
"""Clients that take no weak reference, by their address and class."""

_spent = 0.0


class _Found(NamedTuple):
    receiver: Receiver
    thing: Any
    variable: Variable | None


@gc_neutral
def resolve(records: Iterable[ConnectionRecord], clients: Clients) -> None:
    """Finds the clients of connections that only the stack of their opening is known of."""
    # What a person's line opened first: a library's own tasks open connections for the same client.
    variables = Variables()
    open_questions = sorted(records, key=lambda each: each.opener is None or not each.opener.by_person)
    while open_questions:
        record = open_questions.pop(0)
        found = _owner(record, clients, variables)
        assert record.opener is not None
        record.client = _client(record.opener, record.opened if record.opener.by_person else (), found, clients)
        if open_questions and found is not None and found.thing is not None:
            alike = _beneath(found.thing, {id(_transport(each)): each for each in open_questions})
            for each in alike:
                each.client = record.client
            open_questions = [each for each in open_questions if each.client is None]


@gc_neutral
def client_of_loop(loop: Any, frame: types.FrameType | None, clients: Clients) -> ClientRecord | None:
    """Finds the client whose method uses a loop: the object on the stack, or inside one, that refers to the loop.

    Args:
        loop: another one than the running loop.
        frame: of the code that uses it.
    """
    found = opener(frame, None)
    if found is None:
        return None
    bound = _bound(loop, [each.ref() for each in found.receivers if each.ref is not None])
    if not bound:
        return None
    held = _from_variables({id(each): type(each) for each in bound})
    if held is None:
        return None
    record = (attributes_of(held.thing) or {}).get(MARK)  # of a connection that is no transport of asyncio
    if not isinstance(record, ConnectionRecord) or record.opener is None:
        return _client(found, (), held, clients)
    if record.client is None:
        resolve([record], clients)
    return record.client


@gc_neutral
def client_keeping(
    lock: Any,
    loop: Any,
    frame: types.FrameType | None,
    clients: Clients,
    waiting: Iterable[types.FrameType] = (),
) -> ClientRecord | None:
    """Finds the client that a lock, queue or event is part of; for the person's own, returns a record of itself.

    Args:
        lock: belongs to the loop.
        loop: another one than the running loop.
        frame: of the code that waits for the lock.
        waiting: see `holders.variable_of`.
    """
    around = client_of_loop(loop, frame, clients)
    if around is not None:
        return around
    variable = variable_of({id(lock): type(lock)}, waiting)
    if variable is None:
        return None
    held = _around(lock, variable) or _Found(referred(lock), lock, variable)
    return _client(Opener((), None, None, "", True), (), held, clients)


@gc_neutral
def client_around(frame: types.FrameType, waiting: Iterable[types.FrameType], clients: Clients) -> ClientRecord | None:
    """Finds the client of a library whose method a frame runs, where a variable of the person has it.

    Args:
        frame: of the code that uses something of the client's.
        waiting: see `Variables`.
        clients: see `Clients`.
    """
    found = opener(frame, None)
    alive = [each for each in found.receivers if not each.gone] if found is not None else []
    wanted = {each.id: each.type for each in alive if can_be_closed(each.type)}
    held = _from_variables(wanted, Variables(waiting)) if wanted else None
    return _client(found, (), held, clients) if found is not None and held is not None else None


def _around(thing: Any, variable: Variable) -> _Found | None:
    """Returns the object of a library that can be closed and leads from a variable to this one, if there is one."""
    held = _from_variables({id(thing): type(thing)}) if "." in variable.name else None
    closable = held is not None and _is_library(held.receiver.type) and can_be_closed(held.receiver.type)
    return held if closable else None


@gc_neutral
def client_itself(thing: Any, clients: Clients) -> ClientRecord:
    """Returns the record of an object of which only its method was seen."""
    found = _from_variables({id(thing): type(thing)}) or _Found(referred(thing), thing, None)
    return _client(Opener((), None, None, "", False), (), found, clients)


def older_client(thing: Any, clients: dict[int, ClientRecord]) -> ClientRecord | None:
    """Returns the record of a client that is older than the sanitizer, which knows it from now on."""
    if thing is None or not can_be_closed(type(thing)):
        return None
    record = client_itself(thing, clients)
    key, record.calls = id(thing), 1
    record.ref = weakref.ref(thing, lambda _: clients.pop(key, None))
    clients[key] = record
    return record


def _bound(loop: Any, things: list[Any]) -> list[Any]:
    """Returns which of these objects, and of those inside them, refer to a loop."""
    found, seen, level = [], {id(each) for each in things}, things
    for _ in range(_INSIDE):
        following = []
        for each in level:
            parts = list(inside(each))
            attributes = next((one for one in parts if type(one) is dict), None)
            parts += attributes.values() if attributes is not None else ()
            if any(one is loop for one in parts) and _is_library(type(each)):
                found.append(each)
            new = [one for one in parts if id(one) not in seen and leads_on(one) and one is not loop]
            seen.update(map(id, new))
            following += new
        level = following[:_ALIKE_AT_MOST]
    return found


def tasks_inside(thing: Any) -> list[Any]:
    """Returns the tasks that an object leads to."""
    found: list[Any] = []
    seen, level = {id(thing)}, [thing]
    while level and len(seen) < _ALIKE_AT_MOST:
        new = [each for each in itertools.chain.from_iterable(map(inside, level)) if id(each) not in seen]
        seen.update(map(id, new))
        found += [each for each in new if hasattr(type(each), "get_coro")]
        level = [each for each in new if leads_on(each)]
    return found


def _transport(record: ConnectionRecord) -> Any:
    found = record.transport or record.ref
    return found() if found is not None else None


def _owner(record: ConnectionRecord, clients: Clients, variables: Variables) -> _Found | None:
    opener = record.opener
    assert opener is not None
    alive = [each for each in opener.receivers if not each.gone]
    for each in reversed(alive):  # the class and the line of a client that was seen as it was created
        client = clients.get(each.id)
        if client is not None and each.ref is not None and client.ref() is each.ref():
            return _Found(each, each.ref(), None)
    transport = _transport(record)
    wanted = {each.id: each.type for each in alive if can_be_closed(each.type)}
    if transport is not None:
        wanted[id(transport)] = type(transport)
    held = _from_variables(wanted, variables)
    if held is not None:
        return held
    if opener.held is not None:
        return _Found(opener.held, opener.held.ref() if opener.held.ref is not None else None, opener.variable)
    if opener.client is not None:
        around = _from_referrers([transport]) if transport is not None and not opener.by_person else None
        if around is not None and around.receiver.made:  # a task of the library opened it for what the person made
            return around
        return _Found(opener.client, opener.client.ref() if opener.client.ref is not None else None, None)
    return _from_referrers([transport]) if transport is not None else None


def _client(opener: Opener, stack: Stack, found: _Found | None, clients: Clients) -> ClientRecord:
    """Returns the record of a client; makes it where this is the first that is seen of it."""
    if found is None:
        client = ClientRecord(None, opener.name, opener.name.partition(".")[0], stack)
        client.holder = ClientHolder(opener.name, None, opener.by_person, _how(opener), _closer(opener))
        return client
    client = _recorded(found, clients) or _new(opener, found, stack)
    client.created = client.created or stack
    client.variable = client.variable or found.variable
    return client


def _recorded(found: _Found, clients: Clients) -> ClientRecord | None:
    """Returns the record of a client that was seen before: as it was created, inside this one, or like this."""
    thing = found.thing
    if thing is not None:
        client = clients.get(found.receiver.id)
        if client is not None and client.ref() is thing:
            return client
        for each in list(clients.values()):
            if each.holder is not None and each.holder.ref is not None and each.holder.ref() is thing:
                return each.outermost
    known = _known.get(found.receiver[:2])
    reused = known is not None and found.receiver.ref is not None and known.ref() is not found.receiver.ref()
    return None if reused else known


def _new(opener: Opener, found: _Found, stack: Stack) -> ClientRecord:
    receiver = found.receiver
    name = written(receiver.type)
    gives = is_awaitable_only(receiver.type) and can_be_closed(
        opener.protocol() or object
    )  # to who awaits or enters it
    if not opener.name.startswith("asyncio.") and (gives or issubclass(receiver.type, _transports())):
        name = opener.name  # of the protocol's class, which a person has
    client = ClientRecord(None, name, name.partition(".")[0], receiver.made or stack)
    if receiver.ref is not None:
        client.ref = receiver.ref
    closer = closer_of(receiver.type, found.thing) or (_closer(opener) if name == opener.name else "")
    how = "opened" if receiver.made else _how(opener)
    client.holder = ClientHolder(name, None, _is_persons(opener, found), how, closer)
    if len(_known) >= _KNOWN_AT_MOST:
        _known.pop(next(iter(_known)), None)
    _known[receiver[:2]] = client
    return client


def _closer(opener: Opener) -> str:
    """Returns what closes a connection that only its protocol is known of: its transport does."""
    return _CLOSERS.get(opener.name, "close()" if opener.name else "")


def _transports() -> tuple[type, ...]:
    transports = sys.modules.get("asyncio.transports")
    return (transports.BaseTransport,) if transports is not None else ()


def _how(opener: Opener) -> str:
    return "opened" if opener.made else "used"


def _is_persons(opener: Opener, found: _Found) -> bool:
    return found.variable is not None or (opener.by_person and can_be_closed(found.receiver.type))


def _from_variables(wanted: Wanted, variables: Variables | None = None) -> _Found | None:
    found = (variables or Variables()).leading_to(wanted)
    return _named(*found) if found is not None else None


def _named(root: Variable, way: list[Any]) -> _Found:
    """Returns the object of a library on the way from a variable to a connection, and how one writes it."""
    libraries = [each for each in way if _is_library(type(each))]
    client = next((each for each in libraries if can_be_closed(type(each))), None)
    if client is None:
        client = next((each for each in way if type(each).__module__ in _OFFERS), None)
    if client is None:
        plain = (each for each in way if not isinstance(each, (dict, list, tuple, set)))
        client = libraries[0] if libraries else next(plain, way[0])
    name = reaches(root.name, way[0], {id(client): type(client)}, DEPTH) or f"inside {root.name}"
    return _Found(referred(client), client, root._replace(name=name))


def _from_referrers(things: list[Any]) -> _Found | None:
    """Returns the outermost object of a library that leads to these objects and can be closed.

    What has a method for that comes before what is only entered, such as a transaction on a connection.
    """
    global _spent  # noqa: PLW0603 - one budget a process
    level, seen, closable, cost = things, {id(each) for each in things}, None, 0.0
    for _ in range(_LEVELS):
        if not level or _spent + cost > _BUDGET:
            break
        started = time.thread_time()
        referrers = gc.get_referrers(*level)
        cost = time.thread_time() - started
        _spent += cost
        new = [each for each in referrers if each is not level and id(each) not in seen and _leads_back(each)][:_WIDTH]
        seen.update(map(id, new))
        found = [each for each in new if _is_library(type(each)) and can_be_closed(type(each))]
        if closable is None or not is_entered_only(type(closable)):
            found = [each for each in found if closable is None or not is_entered_only(type(each))]
        inner = {id(each) for one in found for each in gc.get_referents(one) if each is not one}
        closable = min(found, key=lambda each: (is_entered_only(type(each)), id(each) in inner), default=closable)
        cost *= max(1.0, len(new) / len(level))
        level = new
    return None if closable is None else _Found(referred(closable), closable, None)


def _leads_back(thing: Any) -> bool:
    return type(thing) is not types.FunctionType and leads_on(thing)


def _is_library(cls: type) -> bool:
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and installed(file)


def _beneath(thing: Any, wanted: dict[int, ConnectionRecord]) -> list[ConnectionRecord]:
    """Returns the connections that an object leads to."""
    found: list[ConnectionRecord] = []
    seen, level = {id(thing)}, [thing]
    while level and len(seen) < _ALIKE_AT_MOST and len(found) < len(wanted):
        following = []
        for each in itertools.chain.from_iterable(map(inside, level)):
            if id(each) in seen or not leads_on(each):
                continue
            seen.add(id(each))
            if id(each) in wanted:
                found.append(wanted[id(each)])
            following.append(each)
        level = following
    return found
