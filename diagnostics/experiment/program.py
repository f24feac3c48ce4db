"""The interface between scenarios and fixes.

A scenario is a generator. It yields the *steps* of a user's program (a batch of calls, several threads, a forked child)
and does between two steps what that program does there: drop a reference, collect, wait for the server. It says what is
called and in which order, never how a loop is entered, where the client is created or who closes it: the fix decides
that. The baseline, `none`, does as the programs in bug reports do.

Nothing here may keep a client, a loop or a step alive longer than the program it stands for would: when a client is
collected decides whether the error appears.
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
"""The provider server answers with this and the question, so that a mixed-up answer is not counted as correct."""


class Incompatible(Exception):
    """These packages cannot run the cell; the message is the reason. This is not the error under test."""


@dataclass(frozen=True)
class CallTarget:
    """Where the calls go.

    Attributes:
        url: base URL of this trial, without a trailing slash; each provider adds its own path.
        model: the model's name.
        api_key: any value; the provider server does not check it.
    """

    url: str
    model: str = "echo"
    api_key: str = "no-key-needed"


class Holder:
    """Where a user's program keeps its client (and perhaps its loop): a module, an object, a function.

    Attributes:
        place: where the client is created unless the fix decides otherwise. `module`: before the first loop, kept.
            `coroutine`: a local variable of the coroutine. `caller`: a local variable of the function that starts
            the loop.
        own_loop: the object creates a loop of its own and keeps it.
    """

    def __init__(self, place: str = "module", *, own_loop: bool = False) -> None:
        if place not in ("module", "coroutine", "caller"):
            raise ValueError(f"place is {place!r}; use module, coroutine or caller")
        self.place = place
        self.own_loop = own_loop
        self.client: Any = None
        self.loop: Any = None
        self.itself: Any = None

    def tie(self) -> None:
        """Puts the holder into a reference cycle, as objects with callbacks often are: only the collector frees it."""
        self.itself = self


@dataclass(frozen=True)
class Batch:
    """One entry into the loop: calls with one holder's client.

    Attributes:
        waves: the questions; one wave ends before the next begins.
        concurrency: calls in flight at once, at most, within a wave.
        between: called inside the running loop after each wave but the last.
        abandon: open a stream, read its first piece, and stop reading.
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
    """What the program asked and got. Threads may use it at the same time."""

    calls: int = 0
    answers: int = 0
    errors: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)
    _answers_before: int | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def recovers(self) -> bool | None:
        """Whether a call was answered after the first that failed; `None` if none failed or only the last one."""
        if self._answers_before is None:
            return None
        return self.answers > self._answers_before or (None if len(self.errors) == 1 else False)

    def ask(self, batch: Batch) -> None:
        """Counts the calls of a batch, whether or not the program gets as far as making them."""
        size = batch.size
        with self._lock:
            self.calls += size

    def answer(self, question: str, answer: str, *, partial: bool = False) -> None:
        """Counts a correct answer; records a wrong one as an error."""
        expected = ECHO + question
        if answer == expected or (partial and answer and expected.startswith(answer)):
            with self._lock:
                self.answers += 1
        else:
            self._failed(f"WrongAnswer: asked {question!r}, got {answer[:80]!r}")

    def error(self, error: BaseException) -> None:
        """Records an exception that reached the program, as text: its frames would keep the client alive."""
        self._failed(describe(error))

    def _failed(self, *errors: str) -> None:
        with self._lock:
            if errors and self._answers_before is None:
                self._answers_before = self.answers
            self.errors.extend(errors)

    def add(self, calls: int, answers: int, errors: Sequence[str]) -> None:
        """Adds what another process counted."""
        with self._lock:
            self.calls += calls
            self.answers += answers
        self._failed(*errors)


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
    """What a scenario can use; the fix and the worker provide it."""

    def __init__(self, load: Load, prepare: Callable[[Holder], None], drop_idle: Callable[[], None]) -> None:
        self.load = load
        self._prepare = prepare
        self.drop_idle = drop_idle

    def hold(self, place: str = "module", *, own_loop: bool = False) -> Holder:
        """A new holder, with its client if the fix creates it right away."""
        holder = Holder(place, own_loop=own_loop)
        self._prepare(holder)
        return holder

    def questions(self, run: int) -> tuple[str, ...]:
        """The questions of one run, each different from every other of the trial."""
        return tuple(f"run {run} call {call}" for call in range(self.load.calls))

    def batch(
        self, holder: Holder, run: int, *, between: Callable[[], object] | None = None, abandon: bool = False
    ) -> Batch:
        """The questions of one run, in two waves if something happens `between` them, otherwise in one."""
        questions = self.questions(run)
        half = (len(questions) + 1) // 2
        waves = (questions,) if between is None else (questions[:half], questions[half:])
        return Batch(holder, waves, self.load.concurrency, between=between, abandon=abandon)
