"""Call async code from sync code on one loop that stays open: `run_sync`, `to_sync`, `LoopLocal`, `PersistentLoop`.

One file, standard library only, Python 3.10 and newer: copy it into a project as it is. A pooled connection belongs to
the loop that opened it. `run_sync` gives every call of the process the same loop, and `LoopLocal` gives every loop its
own client and closes it there before the loop closes.

What holds for every call, from any thread:
- It returns once or raises once. An exception has the frames of the caller and of the coroutine in its traceback.
- Ctrl-C cancels the coroutine and waits for its cleanup, at most `INTERRUPT_GRACE` seconds, before it goes on up.
- The coroutine sees the caller's context variables. What it sets is set for the caller when a blocking call ends; what
  tasks that it started set is not, as with any task.
- A forked child starts a loop of its own. At exit every loop ends as in `asyncio.run`: tasks are cancelled, async
  generators and the default executor are shut down. Later calls are refused, and so are calls in sub-interpreters.
"""

from __future__ import annotations

import _thread as threads
import asyncio
import atexit
import contextlib
import contextvars
import functools
import gc
import importlib
import inspect
import itertools
import os
import sys
import threading
import weakref
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from types import CodeType, FrameType
from typing import Any, Generic, Literal, NoReturn, ParamSpec, TypeVar, overload

__all__ = ["LoopLocal", "PersistentLoop", "SyncIterator", "run_sync", "shutdown", "to_sync"]

T = TypeVar("T")
P = ParamSpec("P")
InsideLoop = Literal["await", "block", "raise"]

SIGNAL_CHECK = 1.0
"""Seconds after which a waiting main thread looks for signals that came while it was falling asleep."""

INTERRUPT_GRACE = 5.0
"""Seconds that Ctrl-C leaves to the cleanup of the coroutine that it cancels; a second Ctrl-C does not wait."""

COLLECTION_CHECK = 0.001
"""Seconds between two looks whether a collection in another thread is over, while that holds something up."""

INNER_AT_LEAST = 100
"""Async generators inside others that a loop remembers before it looks for those that are gone."""

EXIT_GRACE = 10.0
"""Seconds that a loop has to end in when the interpreter exits."""

_interpreters: Any = None
for _name in ("_xxsubinterpreters", "_interpreters"):  # until Python 3.12, from 3.13
    with contextlib.suppress(ImportError):
        _interpreters = importlib.import_module(_name)

_MISSING: Any = object()
_PERSISTENT: weakref.WeakSet[PersistentLoop] = weakref.WeakSet()
_LOCALS: weakref.WeakSet[LoopLocal[Any]] = weakref.WeakSet()
_main_thread = threading.main_thread().ident


def _alive(objects: weakref.WeakSet[T]) -> list[T]:
    """Those that are there, while other threads add some: to go through the set itself fails then."""
    references = list(vars(objects)["data"])
    return [each for reference in references if (each := reference()) is not None]


class _Thread(threading.local):
    serves: PersistentLoop | None = None  # the loop whose thread this is


_thread = _Thread()

if sys.version_info >= (3, 11):
    _TimedOut = TimeoutError
else:

    class _TimedOut(asyncio.TimeoutError, TimeoutError):
        """Two classes there; whoever catches either of them means this."""


class _Call(Generic[T]):
    """One awaitable on its way: started and ended on the loop, waited for elsewhere.

    What starts, ends and stops it runs on the loop's thread, so that nothing has to be locked.

    Args:
        settled: called on the loop's thread, once, as soon as there is an outcome.
    """

    # Here and not in __init__: most calls need none of them.
    error: BaseException | None = None
    service: _Service | None = None
    task: asyncio.Task[None] | None = None
    timed_out = False
    timer: asyncio.TimerHandle | None = None

    def __init__(self, awaitable: Awaitable[T], timeout: float | None, settled: Callable[[], object]) -> None:
        if not hasattr(awaitable, "__await__") and not asyncio.iscoroutine(awaitable):
            raise TypeError(f"a coroutine is needed, not {awaitable!r}")
        self.awaitable: Awaitable[T] | None = awaitable
        self.context = contextvars.copy_context()
        self.settled: Callable[[], object] | None = settled
        self.timeout = timeout

    def start(self) -> None:
        service = self.service
        if self.settled is None or service is None:
            return  # given up before it came here
        body = self._body()
        try:
            task = service.start(body, self.context)
        except BaseException as error:  # noqa: BLE001 - its caller waits for an answer, whatever it is
            body.close()
            self._settle(error)
            return
        if self.settled is not None:
            self.task = task
            service.calls.add(self)
            task.add_done_callback(self._ended)
            if self.timeout is not None:
                self.timer = service.loop.call_later(self.timeout, self._expire)

    def _ended(self, _: asyncio.Task[None]) -> None:
        if self.service is not None:
            self.service.calls.discard(self)
        self._settle(asyncio.CancelledError())  # where it was cancelled before its body began

    async def _body(self) -> None:
        awaitable, self.awaitable = self.awaitable, None  # once it is awaited there is nothing to close
        assert awaitable is not None
        try:
            self.value = await awaitable
        except BaseException as error:  # noqa: BLE001 - SystemExit too: it ends its caller, not the loop
            self.context = contextvars.copy_context()
            self._settle(error)
        else:
            self.context = contextvars.copy_context()
            self._settle(None)

    def _settle(self, error: BaseException | None) -> None:
        settled, self.settled = self.settled, None
        if settled is None:
            return
        if self.timer is not None:
            self.timer.cancel()
        if error is not None:
            _close(self.awaitable)
            if self.timed_out and isinstance(error, asyncio.CancelledError):
                over = _TimedOut(f"the coroutine had not ended after {self.timeout} s and was cancelled")
                over.__cause__, error = error, over
            self.error = error
        settled()

    def _expire(self) -> None:
        self.timed_out = True
        self.stop()

    def stop(self) -> None:
        """Cancels it; comes after `start`, or there was none."""
        if self.task is not None:
            self.task.cancel()
        else:
            self._settle(asyncio.CancelledError())

    def cancel(self) -> None:
        """From any thread."""
        if self.service is not None:
            self.service.post(self.stop)

    def outcome(self) -> T:
        """The result, or raises; after it is settled."""
        if self.error is None:
            return self.value
        try:
            raise self.error
        finally:
            # The exception holds this frame: with the call in it, the two would keep each other until a collection.
            self.error = None


def _close(awaitable: object) -> None:
    """Closes a coroutine that will not run, so that nobody is told that it was never awaited."""
    if asyncio.iscoroutine(awaitable):
        awaitable.close()


class _Pipe:
    """Is closed when the last thread that may write has let go: its number may be another file's a moment later."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        if sys.platform != "win32":
            os.set_blocking(self.reader, False)
            os.set_blocking(self._writer, False)

    def write(self) -> None:
        os.write(self._writer, b"\0")

    def __del__(self) -> None:
        for descriptor in vars(self).values():  # none, where there was no pipe to be had
            os.close(descriptor)


class _Finaliser:
    """Finalises the async generators of a loop; those that go together, one after the other.

    A loop does it for all at once. One that is inside another is "already running" then, when the other one's cleanup
    comes to it, and that cleanup ends there. A streamed answer that nobody reads to its end is made so. Nor may the
    inner one go first, because a context manager that finds its generator ended fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._started: weakref.WeakKeyDictionary[AsyncGenerator[Any, Any], None] = weakref.WeakKeyDictionary()
        # Of those started inside another one: whether `LoopLocal` made that, and when. By identity: who is dropped has
        # lost its weak references.
        self._inner: dict[int, tuple[bool, int]] = {}
        self._number = itertools.count(1)
        self._dropped: deque[AsyncGenerator[Any, Any]] = deque()
        self._ending: asyncio.Task[None] | None = None  # the loop itself would hold it weakly
        if _note_collection not in gc.callbacks:
            gc.callbacks.append(_note_collection)
        self._at_end: AsyncGenerator[None, None] | None = None

    def set_hooks(self) -> None:
        """Takes from the loop what is started on this thread from now on, until the loop stops running."""
        sys.set_asyncgen_hooks(self._start, self._drop)

    async def take_over(self) -> None:
        """`set_hooks` for a loop that others end: whoever finalises its generators calls `end_all`."""
        if self._at_end is None:
            self._at_end = self._call_at_end()
            await anext(self._at_end)  # before the hooks are set, so that the loop knows it
        self.set_hooks()

    async def _call_at_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self.end_all()
            _forget_unmade(self._loop)

    def _start(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._started[generator] = None
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and not frame.f_code.co_flags & inspect.CO_ASYNC_GENERATOR:
            frame = frame.f_back
        if frame is None:
            self._inner.pop(id(generator), None)
            return
        while frame is not None and frame.f_code is not _guard.__code__:
            frame = frame.f_back
        self._inner[id(generator)] = (frame is not None, next(self._number))
        if len(self._inner) > 2 * len(self._started) + INNER_AT_LEAST:
            there = {id(each) for each in [*self._started, *self._dropped]}
            self._inner = {number: inner for number, inner in self._inner.items() if number in there}

    def _drop(self, generator: AsyncGenerator[Any, Any]) -> None:
        self._started.pop(generator, None)
        if not self._loop.is_closed():
            self._dropped.append(generator)
            with contextlib.suppress(RuntimeError):  # closed since then
                self._loop.call_soon_threadsafe(self._end_dropped)  # the collector may run in any thread

    def _end_dropped(self) -> None:
        if self._dropped and self._ending is None:
            self._ending = self._loop.create_task(self._end_together())
            self._ending.add_done_callback(self._next)

    def _next(self, ended: asyncio.Task[None]) -> None:
        self._ending = None
        if not ended.cancelled():
            self._end_dropped()

    async def _end_together(self) -> None:
        await _collected()
        together = self._in_order(self._take_dropped())
        try:
            await self._end(together)
        finally:
            self._dropped.extend(together)  # what a cancellation left is for the end

    def _take_dropped(self) -> Iterator[AsyncGenerator[Any, Any]]:
        while self._dropped:  # another thread may be about to append: the deque stays the same one
            yield self._dropped.popleft()

    def _in_order(self, generators: Iterable[AsyncGenerator[Any, Any]]) -> deque[AsyncGenerator[Any, Any]]:
        """First those inside no other one, then those inside as they were started.

        Last comes what `LoopLocal` made, for that is what the others use, and what its factory needed for that.
        """

        def rank(generator: AsyncGenerator[Any, Any]) -> tuple[bool, int]:
            for_local, number = self._inner.get(id(generator), (False, 0))
            return for_local or _is_guard(generator), number

        return deque(sorted(generators, key=rank))

    async def _end(self, generators: deque[AsyncGenerator[Any, Any]], *, at_end: bool = False) -> None:
        while generators:
            # In a task of its own: one that hangs is left to itself, and its error is nobody else's. At the end of the
            # loop, what `LoopLocal` made has as long as it takes.
            task = self._loop.create_task(_finalise_generator(generators[0]))
            patient = at_end and _is_guard(generators[0])
            await asyncio.wait([task], timeout=None if patient else INTERRUPT_GRACE)
            generators.popleft()

    async def end_all(self) -> None:
        """Finalises all that are open; of those inside no other one, the last one first."""
        await _collected()
        await self._settle()  # one that is at it may be outside of others
        await self._end(self._in_order([*self._take_dropped(), *reversed([*self._started])]), at_end=True)
        await self._settle()  # what those have let go of

    async def _settle(self) -> None:
        self._end_dropped()
        while self._ending is not None:
            await asyncio.wait([self._ending])


_collecting: int | None = None  # the thread that the collector is at work in


def _note_collection(phase: str, _: dict[str, int], ident: Callable[[], int] = threading.get_ident) -> None:
    """For `gc.callbacks`, which are called to the last; this module's names may be gone by then."""
    global _collecting  # noqa: PLW0603
    _collecting = ident() if phase == "start" else None


async def _collected() -> None:
    """Waits until a collection in another thread is over: what goes together is dropped one by one.

    Not for ever, because a finaliser in the midst of it may wait for this loop to end.
    """
    for _ in range(int(INTERRUPT_GRACE / COLLECTION_CHECK)):
        if _collecting in (None, threading.get_ident()):
            break
        await asyncio.sleep(COLLECTION_CHECK)


def _is_guard(generator: AsyncGenerator[Any, Any]) -> bool:
    return getattr(generator, "ag_code", None) is _guard.__code__


def _code(task: asyncio.Task[Any]) -> CodeType | None:
    return getattr(task.get_coro(), "cr_code", None)


async def _finalise_generator(generator: AsyncGenerator[Any, Any]) -> None:
    # The sanitizer knows it by its name.
    await generator.aclose()


class _Service:
    """One loop in its thread, from its beginning to its end.

    What other threads want done there they put into `inbox`. A pipe wakes the loop: one byte and one callback for all
    that has come, where `call_soon_threadsafe` takes a handle each, and a socket that is read until that fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
        self.loop = loop
        self.thread = thread
        self.inbox: deque[Callable[[], object]] = deque()
        self.calls: set[_Call[Any]] = set()  # a loop itself knows its tasks only weakly
        self.awake = False
        self.stopping = False
        self.ended = False
        self._finaliser = _Finaliser(loop)
        self._steps: list[tuple[contextvars.Context, Callable[[], object]]] = []
        self._pipe: _Pipe | None = None
        self._wake: Callable[[], object] = functools.partial(loop.call_soon_threadsafe, self._take)
        if sys.platform != "win32":  # whose loops watch no pipe
            pipe = _Pipe()
            with contextlib.suppress(NotImplementedError):  # a loop that watches no descriptors: woken as on Windows
                loop.add_reader(pipe.reader, self._woken)
                self._pipe, self._wake = pipe, pipe.write

    def post(self, item: Callable[[], object]) -> bool:
        """Has something called on the loop's thread, in the order of posting.

        Without a lock, because a signal handler or a finaliser may call from the midst of a call: put it in, then look.
        `awake` and `ended` are set by the loop's thread alone, and it looks into the inbox after each change.

        Returns:
            Whether it is called: False where the loop has ended.
        """
        self.inbox.append(item)
        if not self.awake:
            try:  # noqa: SIM105 - suppress takes as long as all the rest
                self._wake()
            except (BlockingIOError, RuntimeError):
                pass  # full, so it will wake; or closed, which comes below
        if self.ended:
            try:
                self.inbox.remove(item)
            except ValueError:
                return True  # the last look has found it
            return False
        return True

    def _woken(self) -> None:
        assert self._pipe is not None
        try:  # noqa: SIM105 - as above
            os.read(self._pipe.reader, 64)
        except BlockingIOError:
            pass  # selectors may be wrong
        self._take()

    def _take(self) -> None:
        if self.ended:
            return
        self.awake = True
        try:
            for _ in range(len(self.inbox)):
                self.inbox.popleft()()
        finally:
            if not self.inbox:
                self.awake = False
            if self.inbox:  # more has come: after the loop's other work
                self.loop.call_soon(self._take)

    def start(self, body: Coroutine[Any, Any, None], context: contextvars.Context) -> asyncio.Task[None]:
        """Makes a task and takes its first step at once: going through the loop again is a third of a short call."""
        loop, plain = self.loop, self.loop.get_task_factory() is None
        if sys.version_info >= (3, 12):
            if plain:
                return asyncio.Task(body, loop=loop, context=context, eager_start=True)
            return loop.create_task(body, context=context)
        # Before 3.12 asyncio has no eager tasks, and these versions change no more: catch the step a task asks for.
        attributes = vars(loop)
        attributes["call_soon"] = self._catch
        try:
            if sys.version_info >= (3, 11) and plain:
                task = asyncio.Task(body, loop=loop, context=context)
            else:
                task = context.run(loop.create_task, body)
        finally:
            del attributes["call_soon"]  # the class has its own
        while self._steps:
            of_task, step = self._steps.pop(0)
            of_task.run(step)
        return task

    def _catch(
        self, step: Callable[..., object], *arguments: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle | None:
        if arguments or context is None:  # no step of the task, but of a finaliser that came in between
            return type(self.loop).call_soon(self.loop, step, *arguments, context=context)
        self._steps.append((context, step))
        return None

    def stop(self) -> None:
        self.stopping = True
        if not self.ended:
            self.loop.stop()

    def serve(self) -> None:
        """Runs the loop until `stop`, and ends it as `asyncio.run` does."""
        try:
            while not self.stopping:
                with contextlib.suppress(SystemExit, KeyboardInterrupt):  # of a task that nobody waits for
                    self.loop.call_soon(self._finaliser.set_hooks)  # each run sets the loop's own
                    self.loop.run_forever()
        finally:
            self.ended = True
            self.loop.call_soon(self._last_look)
            endings = [self._end_tasks, self._finaliser.end_all, self.loop.shutdown_asyncgens]
            if not _exiting:  # when the threads of every executor have been joined already, and none can be started
                endings.append(self.loop.shutdown_default_executor)
            try:
                for ending in endings:
                    self._complete(self.loop.create_task(ending()))
            finally:
                self.close()

    def _complete(self, ending: asyncio.Task[None]) -> None:
        while not ending.done():
            try:
                self.loop.run_until_complete(ending)
            except (SystemExit, KeyboardInterrupt):  # noqa: PERF203 - of a task that ended so: the others are there
                pass
            except RuntimeError:  # somebody's cleanup has stopped the loop
                if ending.done() or self.loop.is_closed():
                    raise

    def _last_look(self) -> None:
        while self.inbox:
            try:
                item = self.inbox.popleft()
            except IndexError:
                break  # who posted it has taken it back, which is done in any thread
            item()

    async def _end_tasks(self) -> None:
        this = asyncio.current_task()
        while tasks := self._open_tasks() - {this}:
            # The finalisers of dropped async generators may come to their end, as those of the others will.
            finalising = {task for task in tasks if _code(task) is _finalise_generator.__code__}
            others = tasks - finalising
            if not others:
                _, others = await asyncio.wait(finalising, timeout=INTERRUPT_GRACE)
            for task in others:
                task.cancel()
            if others:
                await asyncio.wait(others)

    def _open_tasks(self) -> set[asyncio.Task[Any]]:
        # asyncio keeps the tasks of all threads in one set, and may miss one as that is changed: a call must not be.
        return asyncio.all_tasks() | {call.task for call in self.calls if call.task and not call.task.done()}

    def close(self) -> None:
        if self._pipe is not None:
            self.loop.remove_reader(self._pipe.reader)
            self._pipe, self._wake = None, bool  # which does nothing
        _forget_unmade(self.loop)
        self.loop.close()


def _serving(loop: asyncio.AbstractEventLoop) -> _Service:
    try:
        return _Service(loop, threading.current_thread())
    except BaseException:  # no descriptor is left, for one
        loop.close()
        raise


class _LoopThread(threading.Thread):
    """Belongs to its loop before anything runs in it: the collector may, and finalisers would wait for that loop."""

    def __init__(self, serves: PersistentLoop, target: Callable[[], None], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)
        self._serves = serves

    def _bootstrap(self) -> None:
        _thread.serves = self._serves
        super()._bootstrap()  # type: ignore[misc]


class PersistentLoop:
    """A loop in a daemon thread, started on first use, that any thread can run coroutines on.

    `with PersistentLoop() as loop:` shuts it down at the end of the block; otherwise it ends with the interpreter.

    Args:
        name: of the thread.
        loop_factory: makes the loop, in that thread; `uvloop.new_event_loop`, for one.
    """

    # Set and taken away in one step each, because a finaliser or a signal handler may come at any time: see `_begin`.
    _service: _Service | None = None

    def __init__(
        self,
        name: str = "persistent-event-loop",
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self._name = name
        self._loop_factory = loop_factory
        self._inherited: list[_Service] = []
        self._begin_anew()
        _PERSISTENT.add(self)

    def _begin_anew(self) -> None:
        self._lock = threading.RLock()  # for beginning and ending, also in the midst of either
        self._latest: _Service | None = None

    def _forget(self) -> _Service | None:
        service: _Service | None = vars(self).pop("_service", None)
        return service

    def _in_child(self) -> None:
        """After a fork: the child has its parent's loop but not its thread, so nothing would ever run there."""
        service = self._forget()
        if service is not None:
            # Kept for good: closing it, as the collector would, takes the parent's loop out of the selector they share.
            self._inherited.append(service)
        self._begin_anew()

    def __enter__(self) -> PersistentLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def _begin(self) -> _Service:
        with self._lock:
            if self._service is not None:
                return self._service
            _refuse_where_no_loop_can_run()
            service = self._start()
            # A finaliser or a signal handler may have begun one in the midst of this: whichever is here first stays.
            first: _Service = vars(self).setdefault("_service", service)
            if first is not service:
                service.post(service.stop)
            self._latest = first
            return first

    def _start(self) -> _Service:
        """Starts a loop in a thread, from a thread of its own.

        Who makes a loop or starts a thread holds locks now and then that a new one needs, too. In the main thread, a
        signal handler may come in between and wait for a loop that could then never begin.
        """
        begun, outcome = threading.Lock(), list[_Service | BaseException | None]()
        begun.acquire()

        def tell(told: _Service | BaseException) -> None:
            outcome.append(told)
            begun.release()

        def serve() -> None:
            try:
                service = _serving(self._loop_factory())
            except BaseException as error:  # noqa: BLE001 - the caller raises it
                tell(error)
                return
            tell(service)
            if outcome[0] is service:
                service.serve()
            else:
                service.close()

        def start() -> None:
            _thread.serves = self
            try:
                _LoopThread(self, serve, self._name).start()
            except BaseException as error:  # noqa: BLE001 - as above
                tell(_no_thread(error))

        try:
            try:
                threads.start_new_thread(start, ())
            except RuntimeError as error:
                raise _no_thread(error) from error
            begun.acquire()
        except BaseException:  # Ctrl-C: whichever of the two is told first counts
            outcome.append(None)
            if isinstance(outcome[0], _Service):
                outcome[0].post(outcome[0].stop)
            raise
        if isinstance(outcome[0], _Service):
            return outcome[0]
        assert outcome[0] is not None
        raise outcome[0]

    def _send(self, call: _Call[Any]) -> None:
        try:
            while True:
                call.service = service = self._service or self._begin()
                if service.post(call.start):
                    return
                call.service = None
                with self._lock:
                    if self._service is service:
                        self._forget()
        except BaseException:  # no loop can run, or Ctrl-C before there was one
            if call.service is None:
                _close(call.awaitable)
            raise

    def _refuse_own_thread(self, awaitable: object) -> NoReturn:
        _close(awaitable)
        raise RuntimeError(
            "a blocking call on the persistent loop's own thread would wait for itself: await the coroutine instead"
        )

    def submit(self, awaitable: Awaitable[T]) -> Future[T]:
        """Starts a coroutine on the loop, with a copy of the caller's context variables.

        Returns:
            Its future; cancelling that cancels the coroutine.
        """
        result: Future[T] = Future()

        def settled() -> None:
            error, call.error = call.error, None
            if not result.set_running_or_notify_cancel():
                return
            if error is not None:
                result.set_exception(error)
            else:
                result.set_result(call.outcome())

        call = _Call(awaitable, None, settled)
        self._send(call)
        result.add_done_callback(lambda done: call.cancel() if done.cancelled() else None)
        return result

    def run(self, awaitable: Awaitable[T], timeout: float | None = None) -> T:
        """Runs a coroutine on the loop and blocks until it has ended.

        Args:
            awaitable: the coroutine, or whatever else can be awaited on that loop.
            timeout: seconds after which the coroutine is cancelled; its cleanup may take longer.

        Raises:
            RuntimeError: called from the loop's own thread, or where no loop can run any more.
            TimeoutError: the time was over (it is an `asyncio.TimeoutError` as well).
        """
        if _thread.serves is self:
            self._refuse_own_thread(awaitable)
        answered = threading.Lock()
        answered.acquire()
        call = _Call(awaitable, timeout, answered.release)
        try:
            self._send(call)
            if threading.get_ident() == _main_thread:
                # In steps: a signal that comes just before a thread blocks does not wake it. One Ctrl-C could be lost.
                while not answered.acquire(True, SIGNAL_CHECK):
                    pass
            else:
                answered.acquire()
        except BaseException as interruption:
            if call.service is not None and call.settled is not None:
                call.cancel()
                if answered.acquire(timeout=INTERRUPT_GRACE):
                    error, call.error = call.error, None
                    if error is not None and not isinstance(error, asyncio.CancelledError):
                        interruption.__context__ = error
                    del error  # it holds this frame
            raise
        for variable, value in call.context.items():
            if variable.get(_MISSING) is not value:
                variable.set(value)
        return call.outcome()

    def _awaitable(self, awaitable: Awaitable[T], timeout: float | None) -> asyncio.Task[T]:
        """Runs a coroutine on the loop for code that runs on another one."""
        if _thread.serves is self:
            self._refuse_own_thread(awaitable)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()

        def settled() -> None:
            if not loop.is_closed():  # or nobody waits there any more
                with contextlib.suppress(RuntimeError):  # closed in between
                    loop.call_soon_threadsafe(answered.set_result, None)

        call = _Call(awaitable, timeout, settled)
        self._send(call)
        task = loop.create_task(_answer(call, answered))
        task.add_done_callback(lambda done: call.cancel() if done.cancelled() else None)  # maybe before its first step
        return task

    def shutdown(self, timeout: float | None = None) -> None:
        """Cancels what still runs, finalises async generators, and closes the loop. A later call starts a new one.

        Args:
            timeout: seconds to wait for that; None for as long as it takes.

        Raises:
            RuntimeError: called from the loop's own thread, which cannot wait for itself.
        """
        if _thread.serves is self:
            raise RuntimeError("shutdown was called on the persistent loop's own thread: call it from another one")
        with self._lock:
            ending = self._forget()
            service = ending or self._latest  # another thread may be ending it
        if service is not None:
            service.post(service.stop)  # also where another one did: Ctrl-C may have come before it could
            service.thread.join(timeout)


async def _answer(call: _Call[T], answered: asyncio.Future[None]) -> T:
    try:
        await asyncio.shield(answered)
    except asyncio.CancelledError:
        call.cancel()
        await asyncio.shield(answered)  # its cleanup comes first; who cancels twice does not wait
        if isinstance(call.error, asyncio.CancelledError):
            call.error = None
        if call.error is None:
            raise
    return call.outcome()


def _no_thread(error: BaseException) -> RuntimeError:
    refused = RuntimeError("no thread can be started for the event loop (at exit, none can)")
    refused.__cause__ = error
    return refused


_exiting = False
_exits_in = 0  # the child of multiprocessing that has registered


def _refuse_where_no_loop_can_run() -> None:
    global _exits_in  # noqa: PLW0603
    if _exiting or sys.is_finalizing():
        raise RuntimeError("the interpreter is exiting: no event loop can be started any more")
    if _interpreters is not None and _interpreters.get_current() != _interpreters.get_main():
        raise RuntimeError("a sub-interpreter has no daemon threads: use run_sync in the main interpreter")
    # Children of multiprocessing clear what their parent had registered, and forked ones do not call atexit's handlers
    # before Python 3.13.
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None and _exits_in != os.getpid():
        _exits_in = os.getpid()
        atexit.register(_at_exit)
        sys.modules["multiprocessing.util"].Finalize(None, _at_exit, exitpriority=0)


def _at_exit() -> None:
    global _exiting  # noqa: PLW0603
    _exiting = True
    for persistent in _alive(_PERSISTENT):
        persistent.shutdown(EXIT_GRACE)


def _after_fork() -> None:
    global _main_thread, _collecting  # noqa: PLW0603
    _main_thread = threading.get_ident()
    _collecting = None
    _thread.serves = None
    for persistent in _alive(_PERSISTENT):
        persistent._in_child()
    for local in _alive(_LOCALS):
        local._in_child()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

_DEFAULT = PersistentLoop()


@overload
def run_sync(
    awaitable: Awaitable[T], *, timeout: float | None = ..., inside_loop: Literal["block", "raise"] = ...
) -> T: ...
@overload
def run_sync(
    awaitable: Awaitable[T], *, timeout: float | None = ..., inside_loop: Literal["await"]
) -> Awaitable[T]: ...
@overload
def run_sync(awaitable: Awaitable[T], *, timeout: float | None = ..., inside_loop: InsideLoop) -> T | Awaitable[T]: ...
def run_sync(
    awaitable: Awaitable[T], *, timeout: float | None = None, inside_loop: InsideLoop = "await"
) -> T | Awaitable[T]:
    """Runs a coroutine on the process's one persistent loop and returns its result.

    Where the caller's thread is inside another running loop (a notebook, an async web handler), `inside_loop` says what
    happens. The coroutine runs on the persistent loop all the same, so a shared client never changes its loop.

    - `"await"`: an awaitable of the result comes back at once; cancelling it cancels the coroutine and waits for its
      cleanup.
    - `"block"`: blocks, and that other loop with it, and returns the result.
    - `"raise"`: refuses.

    For a type checker a call without `inside_loop` returns the result, as it does wherever no loop runs; who writes
    `inside_loop="await"` says that one runs, and gets an awaitable.

    Args:
        awaitable: the coroutine, or whatever else can be awaited on the persistent loop.
        timeout: seconds after which the coroutine is cancelled; its cleanup may take longer.
        inside_loop: see above.

    Raises:
        RuntimeError: called from code that runs on the persistent loop itself, which would wait for itself; or inside
            another loop with `"raise"`; or at the interpreter's exit; or in a sub-interpreter.
        TimeoutError: the time was over (it is an `asyncio.TimeoutError` as well).
    """
    if asyncio is None:  # a finaliser calls, and this module's names are gone: free-threaded builds end in this order
        getattr(awaitable, "close", bool)()
        raise RuntimeError("the interpreter is exiting: no event loop can be started any more")
    if inside_loop not in ("await", "block", "raise"):
        _close(awaitable)
        raise ValueError(f"inside_loop is 'await', 'block' or 'raise', not {inside_loop!r}")
    if inside_loop == "block" or asyncio._get_running_loop() is None:
        return _DEFAULT.run(awaitable, timeout)
    if inside_loop == "await":
        return _DEFAULT._awaitable(awaitable, timeout)
    if _thread.serves is _DEFAULT:
        _DEFAULT._refuse_own_thread(awaitable)
    _close(awaitable)
    raise RuntimeError("run_sync was called inside a running event loop: await the coroutine instead")


class SyncIterator(Iterator[T]):
    """An async iterator for sync code: each item is pulled on the persistent loop.

    `close` runs the generator's cleanup there, and so does dropping it. Inside a running loop it can be used by `async
    for`; a plain `for` blocks that loop and is refused unless `inside_loop` is `"block"`.
    """

    def __init__(self, items: AsyncIterator[T], timeout: float | None, inside_loop: InsideLoop) -> None:
        self._items = items
        self._timeout = timeout
        self._inside_loop: Literal["block", "raise"] = "block" if inside_loop == "block" else "raise"

    # The generator is touched on the loop only, or it would not be that loop's to finalise.
    async def _pull(self) -> T:
        return await anext(self._items, _MISSING)

    async def _end(self) -> None:
        end = getattr(self._items, "aclose", None)
        if end is not None:
            await end()

    def __next__(self) -> T:
        item = run_sync(self._pull(), timeout=self._timeout, inside_loop=self._inside_loop)
        if item is _MISSING:
            raise StopIteration
        return item

    def __aiter__(self) -> SyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        item = await run_sync(self._pull(), timeout=self._timeout, inside_loop="await")
        if item is _MISSING:
            raise StopAsyncIteration
        return item

    def close(self) -> None:
        """Ends the generator; its cleanup has run when this returns."""
        run_sync(self._end(), inside_loop="block")


@overload
def to_sync(
    function: classmethod[Any, P, Coroutine[Any, Any, T]], *, timeout: float | None = ..., inside_loop: InsideLoop = ...
) -> classmethod[Any, P, T]: ...
@overload
def to_sync(
    function: staticmethod[P, Coroutine[Any, Any, T]], *, timeout: float | None = ..., inside_loop: InsideLoop = ...
) -> staticmethod[P, T]: ...
@overload
def to_sync(
    function: Callable[P, AsyncIterator[T]], *, timeout: float | None = ..., inside_loop: InsideLoop = ...
) -> Callable[P, SyncIterator[T]]: ...
@overload
def to_sync(
    function: Callable[P, Awaitable[T]], *, timeout: float | None = ..., inside_loop: InsideLoop = ...
) -> Callable[P, T]: ...
def to_sync(function: Any, *, timeout: float | None = None, inside_loop: InsideLoop = "await") -> Any:
    """Makes an async function callable from sync code, by `run_sync`; an async generator function gives an iterator.

    Signature, name and documentation stay. A method, `classmethod` or `staticmethod` may be decorated, in either order.

    Args:
        function: the async function.
        timeout: seconds for each call, or for each item of an iterator.
        inside_loop: as for `run_sync`.
    """
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(to_sync(function.__func__, timeout=timeout, inside_loop=inside_loop))

    may_iterate = not inspect.iscoroutinefunction(function)

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> Any:
        result = function(*arguments, **keywords)
        if may_iterate and hasattr(result, "__anext__"):
            return SyncIterator(result, timeout, inside_loop)
        return run_sync(result, timeout=timeout, inside_loop=inside_loop)

    return call


def shutdown() -> None:
    """Ends the process's persistent loop; runs by itself at exit. A later `run_sync` starts a new one."""
    _DEFAULT.shutdown()


class _Slot(Generic[T]):
    """The place of one loop's object, whether it is made already or not."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.made: tuple[T, AsyncGenerator[T, None]] | None = None
        self.finaliser: _Finaliser | None = None


class LoopLocal(Generic[T]):
    """One object (a client) for each event loop, made on first use there and closed there before that loop closes.

    `await clients.get()` inside a loop; from sync code, `run_sync(clients.get())` is the persistent loop's object.

    The closing rides on an async generator: `asyncio.run`, `asyncio.Runner` and `PersistentLoop` all finalise those of
    a loop while it still runs. Those that are started after the first `get` of a run, half-read streams of the client
    among them, go before it and one after the other, not all at once as asyncio has it.

    A loop that is closed by hand, without `loop.shutdown_asyncgens()`, closes nothing: its object is kept, unclosed, as
    long as this `LoopLocal`, for a collector that came upon it would touch its connections from another loop. A
    `LoopLocal` that is dropped has its objects closed, each on its own loop if that still runs. A forked child makes
    its own.

    Args:
        factory: makes the object, or a coroutine of it; called inside the running loop.
        close: closes it, or gives a coroutine that does, on the same loop; without it the object's `aclose` or `close`.
    """

    @overload
    def __init__(
        self, factory: Callable[[], Coroutine[Any, Any, T]], close: Callable[[T], object] | None = None
    ) -> None: ...
    @overload
    def __init__(self, factory: Callable[[], T], close: Callable[[T], object] | None = None) -> None: ...
    def __init__(self, factory: Callable[[], Any], close: Callable[[T], object] | None = None) -> None:
        self._factory = factory
        self._close = close
        self._inherited: list[object] = []
        self._slots: dict[asyncio.AbstractEventLoop, _Slot[T]] = {}
        _LOCALS.add(self)

    def _in_child(self) -> None:
        self._inherited.append(self._slots)  # kept, or the collector would end the parent's connections
        self._slots = {}

    async def get(self) -> T:
        """The running loop's object. Tasks that ask at once get the same one; a factory that failed is tried again."""
        loop = asyncio.get_running_loop()
        slot = self._slots.get(loop) or self._slots.setdefault(loop, _Slot())
        hooked = getattr(sys.get_asyncgen_hooks().firstiter, "__self__", None)
        if hooked is loop:  # not ours yet, nor anybody else's
            slot.finaliser = _finaliser_of(loop)
            await slot.finaliser.take_over()
        elif isinstance(hooked, _Finaliser):
            slot.finaliser = hooked
        if slot.made is None:
            async with slot.lock:
                if slot.made is None:
                    guard = _guard(weakref.ref(self), self._factory, self._close)
                    slot.made = (await anext(guard), guard)
        return slot.made[0]


def _finaliser_of(loop: asyncio.AbstractEventLoop) -> _Finaliser:
    for local in _alive(_LOCALS):
        slot = local._slots.get(loop)
        if slot is not None and slot.finaliser is not None:
            return slot.finaliser
    return _Finaliser(loop)


def _forget_unmade(loop: asyncio.AbstractEventLoop) -> None:
    """The places of a loop at its end whose factory has failed."""
    for local in _alive(_LOCALS):
        slot = local._slots.get(loop)
        if slot is not None and slot.made is None:
            local._slots.pop(loop, None)


async def _guard(
    local: weakref.ref[LoopLocal[T]], factory: Callable[[], Any], close: Callable[[T], object] | None
) -> AsyncGenerator[T, None]:
    value = factory()
    if asyncio.iscoroutine(value):
        value = await value
    end = getattr(value, "aclose", None) or value.close if close is None else functools.partial(close, value)
    try:
        yield value
    finally:
        owner = local()
        if owner is not None:
            owner._slots.pop(asyncio.get_running_loop(), None)
        del owner
        ended = end()
        if isinstance(ended, Awaitable):
            await ended
