"""Instruments receive what happens to the loops, clients and connections of this process.

The model is `trio.abc.Instrument`: subclass `Instrument`, override the hooks you need, and add the object to the list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
    from diagnostics.sanitizer.capture.sites import Stack

_Hook = Callable[..., None]

MAX_PROBLEMS: Final = 20


class Instrument:
    """Hooks that are called synchronously, from inside other libraries, on any thread and in finalizers.

    A hook must take no lock, call no code of the program and return quickly. An instrument that raises is removed and
    becomes a blind spot; the program goes on.
    """

    def loop_created(self, record: LoopRecord, loop: Any) -> None:
        """A loop exists, or is seen for the first time."""

    def loop_run(self, record: LoopRecord) -> None:
        """A loop begins to run or returns: `record.runs` is odd after the beginning, even after the end."""

    def loop_run_aside(self, record: LoopRecord) -> None:
        """The same, in another thread than the one that began to instrument the process."""

    def loop_closing(self, record: LoopRecord, stack: Stack) -> None:
        """A loop is about to close."""

    def task_left(self, task: Any, stack: Stack) -> None:
        """A task is not done as its loop closes; the fact with this stack follows."""

    def client_created(self, record: ClientRecord, client: Any) -> None:
        """A client exists; its `__init__` has not run."""

    def client_closing(self, client: Any) -> None:
        """The program or a library calls a client's `aclose`."""

    def client_finalized(self, client: Any) -> None:
        """A client's `__del__` begins. Weak references to it are already cleared."""

    def call_started(self, call: CallRecord) -> None:
        """A request method was entered that is not part of another call."""

    def connection_opened(self, record: ConnectionRecord) -> None:
        """A connection is established."""

    def connection_used(self, record: ConnectionRecord) -> None:
        """A request goes out on a connection of the running loop."""

    def connection_closed(self, record: ConnectionRecord) -> None:
        """A connection is closed by its library."""

    def blind_spots(self, lines: list[str]) -> None:
        """From now on, the process cannot see these."""

    def fact(self, fact: Fact) -> None:
        """Something happened that becomes a finding."""

    def fact_withdrawn(self, fact: Fact) -> None:
        """A fact proved wrong."""

    def collection_started(self, generation: int) -> None:
        """The garbage collector begins a pass."""

    def forked(self) -> None:
        """This process is a child that was just forked."""


class Problems(list[str]):
    """What has failed, one line each. An observer may fail at every access: the first few lines are enough."""

    def add(self, what: str, error: BaseException) -> None:
        """Adds a line, if it is new."""
        problem = f"{what}: {type(error).__name__}: {error}"
        if len(self) < MAX_PROBLEMS and problem not in self:
            self.append(problem)


class Instruments:
    """The instruments of this process, in the order in which they were added.

    Attributes:
        problems: instruments that failed, one line each.
        reported: the report settings of another process that reports what this one records, as JSON; or empty.
        children_reported: whether that also holds for the Pythons that this one starts.
    """

    def __init__(self) -> None:
        self.reported = ""
        self.children_reported = False
        self.problems = Problems()
        self._active: tuple[Instrument, ...] = ()
        # By hook, for the instruments that override it: an event that nobody asked for costs one look-up.
        self.hooks: dict[str, tuple[_Hook, ...]] = {}

    def add(self, instrument: Instrument, *, first: bool = False) -> None:
        """Adds an instrument, last or first; it receives events from now on."""
        if instrument not in self._active:
            self._activate((instrument, *self._active) if first else (*self._active, instrument))

    def remove(self, instrument: Instrument) -> None:
        """Removes an instrument, if it is there."""
        self._activate(tuple(each for each in self._active if each is not instrument))

    def call(self, hook: str, *arguments: Any) -> None:
        """Calls a hook of every instrument that overrides it."""
        for function in self.hooks.get(hook, ()):
            try:
                function(*arguments)
            except Exception as error:  # noqa: PERF203 - one instrument must not stop the others
                instrument: Any = getattr(function, "__self__", None)
                self.remove(instrument)
                self.problems.add(f"{type(instrument).__name__}.{hook}", error)

    def _activate(self, active: tuple[Instrument, ...]) -> None:
        hooks: dict[str, tuple[_Hook, ...]] = {}
        for name, default in vars(Instrument).items():
            overriding = [each for each in active if getattr(type(each), name) is not default]
            if overriding and not name.startswith("_"):
                hooks[name] = tuple(getattr(each, name) for each in overriding)
        # One assignment, so another thread sees the old hooks or the new ones.
        self._active, self.hooks = active, hooks
