"""Orders carried out by the workers of a `dask.distributed` scheduler.

    with Cluster("tcp://127.0.0.1:8786") as executor: executor.submit(execute, order)

Dask carries orders and answers, and knows who is there. Who gets what is decided here, because a scheduler waits for
ever for a worker that does not come back: an order goes to one worker by name, and comes back as `MachineLost` when
that one is gone, has been silent for too long, or is long past the order's own limits. With nobody left for as long, it
comes back as `ExecutorUnavailable`. Nothing here waits for ever, and nothing is retried: that is for whoever gave the
order.
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

LOOK_EVERY: Final = 0.25
"""Seconds between two looks at who is there."""

CONNECTING: Final = 5.0
"""Seconds for a scheduler to answer at all."""

SILENCE: Final = 30.0
"""Seconds after which a worker that says nothing is lost, and a cluster of which nobody says anything is too."""


@dataclass
class _Machine:
    """A dask worker, as it was last heard of."""

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
    order: WorkItem
    answer: Future[Any]


class Cluster(Executor):
    """Gives orders to the workers of a scheduler; all that it knows belongs to the loop of a thread of its own.

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
        self._carrying: dict[asyncio.Task[None], Future[Any]] = {}
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="cluster", daemon=True)
        self._thread.start()
        self._loop, self._over = self._ready.result()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Gives an order, the only argument, to one worker.

        The future raises what the function raised, `MachineLost` or `ExecutorUnavailable`.
        """
        (order,) = args
        assert not kwargs
        answer: Future[T] = Future()
        self._loop.call_soon_threadsafe(self._begin, _Job(fn, order, answer))
        return answer

    def width(self) -> int:
        """Threads of all workers that are there."""
        return sum(machine.threads for machine in list(self._machines.values()) if not machine.gone.is_set())

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - of the interface
        """Leaves the scheduler at once; what workers have in hand they end by themselves, and nobody hears of it."""
        with suppress(RuntimeError):  # it is over already
            self._loop.call_soon_threadsafe(self._over.set)
        if wait:
            self._thread.join()

    def _run(self) -> None:
        # What dask has to say of lost workers is said by this module in one line.
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
                self._address, asynchronous=True, set_as_default=False, timeout=CONNECTING, name="diagnostics"
            )
        except (OSError, ValueError) as error:
            raise ExecutorUnavailable(
                f"no dask scheduler answers at {self._address}: start one there with `dask scheduler`"
            ) from error
        async with client:
            self._client: Client = client
            await self._look()
            self._ready.set_result((asyncio.get_running_loop(), over))
            while not over.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), LOOK_EVERY)
                await self._look()
            carrying = dict(self._carrying)
            for task, answer in carrying.items():
                answer.cancel()
                task.cancel()
            await asyncio.gather(*carrying, return_exceptions=True)
            for answer in carrying.values():
                if not answer.done():
                    answer.set_exception(ExecutorUnavailable("the cluster was left before this was done"))

    async def _look(self) -> None:
        """Who is there, and who is not any more."""
        now = asyncio.get_running_loop().time()
        scheduler: Any = self._client.scheduler
        seen: dict[str, Any] = {}
        gone: set[str] = set()
        with suppress(OSError, TimeoutError):  # it is silent, and with it everybody
            async with asyncio.timeout(self._silence):
                seen = (await scheduler.identity(n_workers=-1))["workers"]
            gone = set(self._machines) - set(seen)
        for address, about in seen.items():
            machine = self._machines.setdefault(address, _Machine(address))
            machine.threads = about["nthreads"]
            if about["last_seen"] != machine.last_seen:
                machine.last_seen, machine.heard = about["last_seen"], now
                if machine.gone.is_set():  # it was silent only
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

    def _begin(self, job: _Job) -> None:
        task = asyncio.get_running_loop().create_task(self._carry(job))
        self._carrying[task] = job.answer
        task.add_done_callback(self._carrying.pop)

    async def _carry(self, job: _Job) -> None:
        try:
            machine = await self._free(job)
            if job.answer.set_running_or_notify_cancel():
                job.answer.set_result(await self._ask(machine, job))
            else:
                machine.running -= 1
        except Exception as error:  # noqa: BLE001 - it is the answer
            with suppress(InvalidStateError):  # nobody waits for it any more
                job.answer.set_exception(error)

    async def _free(self, job: _Job) -> _Machine:
        """A worker with a free thread, best one that has the environment at hand."""
        slug = job.order.combination.slug
        async with self._changed:
            while True:
                there = [machine for machine in self._machines.values() if not machine.gone.is_set()]
                free = [machine for machine in there if machine.running < machine.threads]
                if free:
                    machine = min(free, key=lambda one: (slug not in one.environments, one.running / one.threads))
                    machine.running += 1
                    if slug not in machine.environments:
                        machine.environments.append(slug)
                    return machine
                if not there and asyncio.get_running_loop().time() - self._alive_at > self._silence:
                    raise ExecutorUnavailable(f"no worker is left at {self._address}: start some with `dask worker`")
                await self._changed.wait()

    async def _ask(self, machine: _Machine, job: _Job) -> Any:
        """What a worker answers; leaves the worker's thread taken where it does not answer in time."""
        gone = machine.gone
        future = self._client.submit(
            job.function, job.order, workers=[machine.address], allow_other_workers=False, pure=False, retries=0
        )
        answer = asyncio.ensure_future(_result(future))
        lost = asyncio.ensure_future(gone.wait())
        try:
            await asyncio.wait({answer, lost}, timeout=job.order.patience, return_when=asyncio.FIRST_COMPLETED)
            if answer.done() or gone.is_set():
                machine.running -= 1
                async with self._changed:
                    self._changed.notify()
            if answer.done():
                return answer.result()
            why = "is gone or silent" if gone.is_set() else f"did not answer within {job.order.patience:.0f} s"
            raise MachineLost(f"the worker {machine.address} {why}")
        finally:
            lost.cancel()
            future.release()  # type: ignore[no-untyped-call]
            # Released, dask ends the waiting itself; cancelled, it would leave a task whose exception nobody retrieves.
            await asyncio.wait({answer}, timeout=LOOK_EVERY)
            answer.cancel()


async def _result(future: Any) -> Any:
    """A future's result, with dask's own exceptions as those of an executor."""
    try:
        return await future.result()
    except (KilledWorker, CancelledError) as error:
        raise MachineLost(f"dask lost it: {error}") from error
    except ImportError as error:
        raise CodeMismatch(
            f"a worker cannot import what it is to do ({error}): install event-loop-diagnostics[lab,dask] there"
        ) from error
