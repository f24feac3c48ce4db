"""The conditions of a run that judges a change: when the collector runs, and the order of ready connections.

`rewrite.proof` sets them in one environment variable, which is gone when the program starts. Each is something that an
unchanged program meets on another day: the collector may run at any allocation, a selector promises no order, and a
busy machine pauses a thread. What asyncio does promise stays: callbacks run in the order of `call_soon`, timers in the
order of their times.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from time import sleep
from typing import Any, Final

from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, LoopRecord
from diagnostics.sanitizer.capture.instruments import Instrument
from diagnostics.sanitizer.capture.patching import Patch, Patches, disguise
from diagnostics.sanitizer.capture.sites import Stack
from diagnostics.sanitizer.capture.tracker import TRACKER

VARIABLE: Final = "DIAGNOSTICS_CONDITIONS"
SEPARATOR: Final = "\x1f"

MOST_COLLECTIONS: Final = 40
"""Forced collections of a run; each takes 50 ms and more where SDKs are imported."""


class Draw:
    """A sequence of numbers that a seed determines; `random` would be one more module that the program finds loaded."""

    def __init__(self, seed: int) -> None:
        self._state = seed * 2654435761 % 2**32 + 1

    def below(self, limit: int) -> int:
        """Returns a whole number from 0 up, below a limit."""
        self._state = (self._state * 1664525 + 1013904223) % 2**32
        return (self._state >> 16) % limit


class Condition(Instrument):
    """The conditions of this process, and what is counted under them.

    Args:
        collector: `on` as it is, `off`, or `forced` at points that the seed chooses.
        seed: of all choices.
        order: whether connections that are ready at the same time are served in an order that the seed chooses.
        folder: where the program was copied from, and where to.
        file: gets the counts at the end.
    """

    def __init__(self, collector: str, seed: int, *, order: bool, folder: tuple[str, str], file: str) -> None:
        self._collector, self._order, self._folder, self._file = collector, order, folder, file
        self._points, self._turns = Draw(seed), Draw(seed + 1)
        self._process = os.getpid()
        self.collections = self.orders = self.connections = 0

    def begin(self) -> None:
        """Applies them; nothing is restored before the process ends."""
        _find_modules(*self._folder)
        TRACKER.instruments.add(self)
        if self._collector == "off":
            gc.disable()
        elif self._collector == "forced":
            gc.set_threshold(50 + self._points.below(650), 5, 5)
        if self._order:
            Patches([Patch("selectors", "DefaultSelector", "select", self._in_another_order)]).apply()

    def end(self) -> None:
        """Writes the counts, once: of this process, not of its forked children."""
        if self._process == os.getpid():
            counts = (self.collections, self.orders, self.connections, _sockets())
            with open(self._file, "w", encoding="ascii") as stream:
                stream.write(" ".join(map(str, counts)))

    def _in_another_order(self, select: Callable[..., list[Any]], _: Patch) -> Any:
        turns = self._turns

        def replacement(selector: Any, timeout: float | None = None) -> list[Any]:
            ready = select(selector, timeout)
            if ready and len(selector.get_map()) > 2 and turns.below(2):  # the first one wakes the loop
                sleep(turns.below(4) / 1000)
                ready = select(selector, 0)
            if len(ready) > 1:
                self.orders += 1
                for last in range(len(ready) - 1, 0, -1):
                    other = turns.below(last + 1)
                    ready[last], ready[other] = ready[other], ready[last]
            return ready

        return disguise(replacement, select)

    def _collect(self) -> None:
        if self._collector == "forced" and self.collections < MOST_COLLECTIONS and self._points.below(2):
            self.collections += 1
            gc.collect()

    def loop_run(self, record: LoopRecord) -> None:
        """A point at which the collector may run."""
        self._collect()

    def loop_closing(self, record: LoopRecord, stack: Stack) -> None:
        """A point at which the collector may run."""
        self._collect()

    def client_created(self, record: ClientRecord, client: Any) -> None:
        """A point at which the collector may run."""
        self._collect()

    def call_started(self, call: CallRecord) -> None:
        """A point at which the collector may run."""
        self._collect()

    def connection_used(self, record: ConnectionRecord) -> None:
        """A point at which the collector may run."""
        self._collect()

    def connection_opened(self, record: ConnectionRecord) -> None:
        """A point at which the collector may run."""
        self.connections += 1
        self._collect()


def taken() -> Condition | None:
    """Returns the conditions that the variables of this process ask for, and removes those."""
    text = os.environ.pop(VARIABLE, "")
    if not text:
        return None
    collector, seed, order, before, after, file = text.split(SEPARATOR)
    return Condition(collector, int(seed), order=order == "varied", folder=(before, after), file=file)


def _find_modules(before: str, after: str) -> None:
    """Lets modules of the copied folder be found in the copy, also where it is installed in editable form."""

    def moved(path: str) -> str:
        inside = path == before or path.startswith(before + os.sep)
        return after + path[len(before) :] if inside and not path.startswith(sys.prefix + os.sep) else path

    sys.path[:] = [moved(entry) for entry in sys.path]
    for name, module in list(sys.modules.items()):
        mapping = getattr(module, "MAPPING", None)
        if name.startswith("__editable__") and isinstance(mapping, dict):
            mapping.update({each: moved(path) for each, path in mapping.items()})


def _sockets() -> int:
    """Returns how many sockets are open; -1 where the system does not say."""
    count = 0
    try:
        for name in os.listdir("/proc/self/fd"):
            try:
                count += os.readlink(f"/proc/self/fd/{name}").startswith("socket:")
            except OSError:  # noqa: PERF203 - closed meanwhile
                continue
    except OSError:
        return -1
    return count
