"""The narrow waist between scenarios and fixes.

A scenario is a generator: it yields the *steps* of a person's program (a batch of calls, several threads, a forked
child) and does between two steps what that program does there (drop a reference, collect, wait for the server). It says
what is called and in which order, never how a loop is entered, who makes the client or who closes it: that is the fix.
The baseline, `none`, fills these in as the programs of the bug reports do.

Nothing here may keep a client, a loop or a step alive longer than the program it stands for would.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diagnostics.model.cell import Load

ECHO = "echo: "
"""The provider server answers with this and the question, so that a swapped answer is not taken for a right one."""


class Incompatible(Exception):
    """These packages cannot do what the cell asks for; the message is the reason. It is not the error we look for."""


@dataclass(frozen=True)
class CallTarget:
    """Where the calls go.

    Attributes:
        url: base URL of this trial, without a trailing slash; each provider adds its own path.
        model: name of the model to ask for.
        api_key: sent as the key; the provider server takes any.
    """

    url: str
    model: str = "echo"
    api_key: str = "no-key-needed"


class Holder:
    """What a person's program keeps its client (and perhaps its loop) in: a module, an object, a function.

    Attributes:
        place: where the client is made when no fix says otherwise. `module`: before the first loop, kept.
            `coroutine`: a local variable of the coroutine. `caller`: a local variable of the function that starts
            the loop.
        own_loop: the object makes a loop of its own and keeps it.
    """

    def __init__(self, place: str = "module", *, own_loop: bool = False) -> None:
        if place not in ("module", "coroutine", "caller"):
            raise ValueError(f"no such place for a client: {place!r}")
        self.place = place
        self.own_loop = own_loop
        self.client: Any = None
        self.loop: Any = None
        self.itself: Any = None

    def tie(self) -> None:
        """Puts the holder into a reference cycle, as objects with callbacks are: only the collector frees it."""
        self.itself = self


@dataclass(frozen=True)
class Batch:
    """One entry into the loop: calls with one holder's client.

    Attributes:
        waves: the questions; one wave ends before the next begins.
        concurrency: calls in flight at once, at most, within a wave.
        between: called inside the running loop after each wave but the last.
        abandon: open a streamed answer, take its first piece, and leave it.
    """

    holder: Holder
    waves: tuple[tuple[str, ...], ...]
    concurrency: int
    between: Callable[[], object] | None = None
    abandon: bool = False

    @property
    def size(self) -> int:
        return sum(len(wave) for wave in self.waves)


@dataclass(frozen=True)
class Together:
    """Batches at the same time, each in a thread of its own."""

    batches: tuple[Batch, ...]


@dataclass(frozen=True)
class InChild:
    """A batch in a forked child, which ends before the program goes on."""

    batch: Batch


@dataclass(frozen=True)
class End:
    """The last step of a program that still holds its clients: it is not resumed, so that a fix can close them."""


END = End()
Step = Batch | Together | InChild | End
Program = Iterator[Step]


@dataclass
class CallLedger:
    """What the program asked and got; threads may count at the same time."""

    calls: int = 0
    answers: int = 0
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def ask(self, batch: Batch) -> None:
        """Counts the calls of a batch as asked, whether or not the program gets as far as making them."""
        size = batch.size
        with self._lock:
            self.calls += size

    def answer(self, question: str, answer: str, *, partial: bool = False) -> None:
        """Counts an answer if it is the right one; a wrong one is an error."""
        expected = ECHO + question
        if answer == expected or (partial and answer and expected.startswith(answer)):
            with self._lock:
                self.answers += 1
        else:
            self.errors.append(f"WrongAnswer: asked {question!r}, got {answer[:80]!r}")

    def error(self, error: BaseException) -> None:
        """Notes an exception that reached the program, as text only: its frames must not keep the client alive."""
        self.errors.append(describe(error))

    def add(self, calls: int, answers: int, errors: Sequence[str]) -> None:
        """Adds what another process counted."""
        with self._lock:
            self.calls += calls
            self.answers += answers
            self.errors.extend(errors)


def describe(error: BaseException) -> str:
    """An exception and its causes on one line, outermost first: `APIConnectionError: … <- RuntimeError: …`."""
    parts: list[str] = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        part = "".join(traceback.format_exception_only(type(link), link)).strip().replace("\n", " ")
        if not parts or parts[-1] != part:
            parts.append(part)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return " <- ".join(parts)


class Stage:
    """What a scenario can ask for; `fixes` and `worker` provide it."""

    def __init__(self, load: Load, prepare: Callable[[Holder], None], drop_idle: Callable[[], None]) -> None:
        self.load = load
        self._prepare = prepare
        self.drop_idle = drop_idle

    def hold(self, place: str = "module", *, own_loop: bool = False) -> Holder:
        """A new holder, with its client if the arrangement makes it there and then."""
        holder = Holder(place, own_loop=own_loop)
        self._prepare(holder)
        return holder

    def questions(self, run: int) -> tuple[str, ...]:
        """The questions of one run, each different from every other of the trial."""
        return tuple(f"run {run} call {call}" for call in range(self.load.calls))

    def batch(
        self, holder: Holder, run: int, *, between: Callable[[], object] | None = None, abandon: bool = False
    ) -> Batch:
        """One run's questions: in two waves where something happens between them, in one where nothing does."""
        questions = self.questions(run)
        half = (len(questions) + 1) // 2
        waves = (questions,) if between is None else (questions[:half], questions[half:])
        return Batch(holder, waves, self.load.concurrency, between=between, abandon=abandon)
