"""Executes work items on the workers of a `dask.distributed` scheduler.

    with Cluster("tcp://127.0.0.1:8786") as executor: executor.submit(execute, item)

Dask transports items and results, and reports which workers are connected; it does not decide who does what. Its own
retries count a worker's death against the task, its work stealing would prepare every environment on every machine, and
it computes results again that a lost worker held. Also, a scheduler waits for ever for a worker that does not come
back. So each item is sent to one worker by name, and fails with `MachineLost` when that worker is gone, has been silent
for too long, or is long past the limits of the item. If no worker is left for as long, items fail with
`ExecutorUnavailable`. Nothing here waits for ever and nothing is retried: that is for the caller.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from distributed import CancelledError, Client, KilledWorker

from diagnostics.lab.execution.local_executor import WARM
from diagnostics.lab.execution.work import CodeMismatch, ExecutorUnavailable, MachineLost, WorkItem

T = TypeVar("T")

POLL_INTERVAL: Final = 0.25
"""Seconds between two requests for the list of workers."""

CONNECT_TIMEOUT: Final = 5.0
"""Seconds for a scheduler to answer at all."""

SILENCE: Final = 30.0
"""Seconds after which a silent worker is lost, and so is a cluster in which every worker is silent.

Shorter than dask's own limit of five minutes: a run would stand still for so long.
"""


@dataclass
class _Machine:
    """A dask worker, as the scheduler last described it."""

    address: str
    threads: int = 0
    last_seen: object = None
    heard: float = 0.0
    running: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    environments: deque[str] = field(default_factory=lambda: deque(maxlen=WARM))


@dataclass(frozen=True)
class _Job:
    function: Callable[[WorkItem], Any]
    item: WorkItem
    result: Future[Any]


class Cluster(Executor):
    """Sends work items to the workers of a scheduler; its state belongs to an event loop in a thread of its own.

    Args:
        address: of the scheduler, as dask writes it.
        silence: seconds; see `SILENCE`.

    Raises:
        ExecutorUnavailable: no scheduler answers there.
    """

    def __init__(self, address: str, *, silence: float = SILENCE) -> None:
        self._address = address
        self._silence = silence
        self._machines: dict[str, _Machine] = {}
        self._tasks: dict[asyncio.Task[None], Future[Any]] = {}
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)
        self._thread.start()
        self._loop, self._over = self._ready.result()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Sends a work item, the only argument, to one worker.

        The future raises what the function raised, `MachineLost` or `ExecutorUnavailable`.
        """
        (item,) = args
        assert not kwargs
        result: Future[T] = Future()
        self._loop.call_soon_threadsafe(self._start, _Job(fn, item, result))
        return result

    def width(self) -> int:
        """Returns the number of threads of all connected workers."""
        return sum(machine.threads for machine in list(self._machines.values()) if not machine.gone.is_set())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - of the interface
        """Disconnects at once; workers finish what they are executing, and their results are dropped."""
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._over.set)
        if wait:
            self._thread.join()

    def _run(self) -> None:
        # This module reports lost workers itself, in one line.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    async def _serve(self) -> None:
        over = asyncio.Event()
        self._changed = asyncio.Condition()
        self._alive_at = asyncio.get_running_loop().time()
        try:
            client = await Client(  # type: ignore[no-untyped-call]
                self._address, asynchronous=True, set_as_default=False, timeout=CONNECT_TIMEOUT, name="diagnostics"
            )
        except (OSError, ValueError) as error:
            raise ExecutorUnavailable(
                f"no dask scheduler answers at {self._address}; start one there with `dask scheduler`"
            ) from error
        async with client:
            self._client: Client = client
            await self._update()
            self._ready.set_result((asyncio.get_running_loop(), over))
            while not over.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), POLL_INTERVAL)
                await self._update()
            await self._abandon()

    async def _abandon(self) -> None:
        """Ends every future that has no result yet."""
        tasks = dict(self._tasks)
        for task, result in tasks.items():
            result.cancel()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for result in tasks.values():
            if not result.done():
                result.set_exception(ExecutorUnavailable("disconnected from the cluster before this was done"))

    async def _update(self) -> None:
        """Updates the list of workers."""
        now = asyncio.get_running_loop().time()
        scheduler: Any = self._client.scheduler
        seen: dict[str, Any] = {}
        gone: set[str] = set()
        with suppress(OSError, TimeoutError):  # a silent scheduler makes every worker silent
            async with asyncio.timeout(self._silence):
                seen = (await scheduler.identity(n_workers=-1))["workers"]
            gone = set(self._machines) - set(seen)
        for address, about in seen.items():
            machine = self._machines.setdefault(address, _Machine(address))
            machine.threads = about["nthreads"]
            if about["last_seen"] != machine.last_seen:
                machine.last_seen, machine.heard = about["last_seen"], now
                if machine.gone.is_set():  # it was only silent
                    machine.gone, machine.running = asyncio.Event(), 0
        for address in gone:
            self._machines.pop(address).gone.set()
        for machine in self._machines.values():
            if now - machine.heard > self._silence:
                machine.gone.set()
        if self.width():
            self._alive_at = now
        async with self._changed:
            self._changed.notify_all()

    def _start(self, job: _Job) -> None:
        task = asyncio.get_running_loop().create_task(self._execute(job))
        self._tasks[task] = job.result
        task.add_done_callback(self._tasks.pop)

    async def _execute(self, job: _Job) -> None:
        try:
            machine = await self._free_machine(job)
            if job.result.set_running_or_notify_cancel():
                job.result.set_result(await self._send(machine, job))
            else:
                machine.running -= 1
        except Exception as error:  # noqa: BLE001 - it is the result
            with suppress(InvalidStateError):  # the future was cancelled
                job.result.set_exception(error)

    async def _free_machine(self, job: _Job) -> _Machine:
        """Takes a free thread of a worker, preferably one that has run trials in the same environment."""
        slug = job.item.combination.slug
        async with self._changed:
            while True:
                connected = [machine for machine in self._machines.values() if not machine.gone.is_set()]
                free = [machine for machine in connected if machine.running < machine.threads]
                if free:
                    machine = min(free, key=lambda each: (slug not in each.environments, each.running / each.threads))
                    machine.running += 1
                    if slug not in machine.environments:
                        machine.environments.append(slug)
                    return machine
                if not connected and asyncio.get_running_loop().time() - self._alive_at > self._silence:
                    raise ExecutorUnavailable(f"no worker is left at {self._address}; start some with `dask worker`")
                await self._changed.wait()

    async def _send(self, machine: _Machine, job: _Job) -> Any:
        """Returns the result of a worker; one that does not answer in time keeps its thread taken."""
        gone, time_limit = machine.gone, job.item.time_limit
        future = self._client.submit(
            job.function, job.item, workers=[machine.address], allow_other_workers=False, pure=False, retries=0
        )
        result = asyncio.ensure_future(_result(future))
        lost = asyncio.ensure_future(gone.wait())
        try:
            await asyncio.wait({result, lost}, timeout=time_limit, return_when=asyncio.FIRST_COMPLETED)
            if result.done() or gone.is_set():
                machine.running -= 1
                async with self._changed:
                    self._changed.notify()
            if result.done():
                return result.result()
            why = "is gone or silent" if gone.is_set() else f"did not answer within {time_limit:.0f} s"
            raise MachineLost(f"the worker {machine.address} {why}")
        finally:
            lost.cancel()
            future.release()  # type: ignore[no-untyped-call]
            # The release makes dask end the task; a cancelled task would leave an exception that is never retrieved.
            await asyncio.wait({result}, timeout=POLL_INTERVAL)
            result.cancel()


async def _result(future: Any) -> Any:
    """A future's result, with dask's own exceptions as those of an executor."""
    try:
        return await future.result()
    except (KilledWorker, CancelledError) as error:
        raise MachineLost(f"dask lost it: {error}") from error
    except ImportError as error:
        raise CodeMismatch(
            f"a worker cannot import what it has to run ({error}); install event-loop-diagnostics[lab,dask] there"
        ) from error
