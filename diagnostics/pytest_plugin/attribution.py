"""Adds to each fact which test or fixture is to blame, by where its client was made, and which test it hurts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, Final

from diagnostics.pytest_plugin.moments import NOWHERE, Later, Moment, Moments, described
from diagnostics.sanitizer.capture.facts import ClientRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.instruments import Instrument
from diagnostics.sanitizer.capture.sites import Stack, file_of, frames, is_users

_HURTS: Final = (
    *("cross-loop-use", "cross-loop-close", "use-after-loop-close", "duplicate-request", "stuck-waiter"),
    "inherited-connection",
)
_PYTEST: Final = f"{os.sep}_pytest{os.sep}"


class Attribution(Instrument):
    """An instrument that adds `blamed` and `hurt` to the details of facts, as JSON, before they are written.

    Args:
        moments: of this process.
        root: pytest's root directory.
        fixture_of: returns the fixture whose function is at a file and line, if there is one.
        after_fork: called in a forked child.
    """

    def __init__(
        self,
        moments: Moments,
        root: str,
        fixture_of: Callable[[str, int], Moment | None],
        after_fork: Callable[[], None],
    ) -> None:
        self._moments = moments
        self._root = root
        self._fixture_of = fixture_of
        self._after_fork = after_fork
        self._clients: dict[int, Moment | Later] = {}
        self._loops: dict[int, Moment | Later] = {}
        self._left = NOWHERE

    def client_created(self, record: ClientRecord, client: Any) -> None:
        """Keeps where it was created."""
        self._clients[record.number] = self._moments.later()

    def loop_created(self, record: LoopRecord, loop: Any) -> None:
        """Keeps where it was created."""
        self._loops[record.number] = self._moments.later()

    def loop_run_aside(self, record: LoopRecord) -> None:
        """Keeps which thread runs it."""
        here = self._moments.here()
        if here.thread:
            self._loops[record.number] = here

    def task_left(self, task: Any, stack: Stack) -> None:
        """Keeps what a task was created for."""
        if sys.version_info >= (3, 12):  # older ones do not tell the context of a task
            self._left = self._moments.context(task.get_context())

    def fact(self, fact: Fact) -> None:
        """Adds who is to blame and who is hurt."""
        here = self._moments.here()
        blamed = self._blamed(fact, here)
        allowed = here.allowed if blamed.phase == "import" else blamed.allowed
        if fact.kind in allowed:
            fact.detail["allowed"] = True
        fact.detail["blamed"] = json.dumps(blamed[:5])
        if fact.kind in _HURTS and here.nodeid and here.phase != "collect" and here.nodeid != blamed.nodeid:
            fact.detail["hurt"] = here.nodeid

    def forked(self) -> None:
        """Starts over."""
        self._after_fork()

    def _blamed(self, fact: Fact, here: Moment) -> Moment:
        client = None if fact.client is None else fact.client.outermost
        if fact.kind == "abandoned-stream" and here.phase == "call" and fact.trigger != "loop close":
            return here  # who stopped reading
        if client is not None:
            return self._of_client(client, fact)
        if fact.kind == "pending-task-destroyed":
            return self._of_task(fact)
        return self._of_loop(fact.loop) if fact.connection is None else self._at(fact.connection)

    def _of_client(self, client: ClientRecord, fact: Fact) -> Moment:
        """Returns where a client was made; for one that was first seen later, where what keeps it was."""
        variable = client.variable
        made = self._clients.get(client.number)
        if made is not None:
            file = _importing(client.created)
            return described(made) if file is None else self._import(file, described(made))
        if variable is not None and not variable.function:
            return self._import(variable.file, NOWHERE)
        fixture = None if variable is None else self._fixture_of(variable.file, variable.function)
        return fixture or (self._of_loop(fact.loop) if fact.connection is None else self._at(fact.connection))

    def _of_task(self, fact: Fact) -> Moment:
        known, self._left = self._left, NOWHERE
        if known.nodeid or known.thread:
            return known
        loop = self._of_loop(fact.loop)
        return loop._replace(phase="call", fixture="", scope="") if loop.test else Moment()

    def _of_loop(self, loop: LoopRecord | None) -> Moment:
        if loop is None:
            return NOWHERE
        made = self._loops.get(loop.number)
        return self._moments.at_number(loop.number) if made is None else described(made)

    def _at(self, connection: Any) -> Moment:
        loop = self._of_loop(connection.loop)
        return loop if loop.thread else self._moments.at_number(connection.number)

    def _import(self, file: str, made: Moment) -> Moment:
        try:
            inside = os.path.relpath(file, self._root)
        except ValueError:  # on another drive
            inside = file
        name = file if inside.startswith(os.pardir) else PurePath(inside).as_posix()
        return Moment(name, "import", allowed=made.allowed)


def _importing(stack: Stack) -> str | None:
    """Returns the file whose import made something, if that is so: nobody's test, whenever the import was."""
    for code, _ in frames(stack):
        file = file_of(code)
        if _PYTEST in file:
            return None
        if code.co_name == "<module>" and is_users(file) and file[:1] != "<":
            return str(file)
    return None
