"""The workers of one process, and the servers that their trials call.

Trials talk to their server over loopback and environments are in the cache of the machine, so nothing here is shared
between machines. Everything that a pool starts ends with its process, however that ends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from diagnostics.lab.execution.staging import stage_code, staged_files
from diagnostics.lab.execution.worker import Worker, WorkerLost
from diagnostics.lab.server import ProviderServer
from diagnostics.lab.server.installed import InstalledServers
from diagnostics.model.cell import Environment
from diagnostics.model.limits import Limits


class ExecutorStopped(Exception):
    """The pool was stopped while the caller used one of its workers."""


@dataclass(frozen=True)
class Target:
    """An interpreter, and the environment that trials in it are recorded under.

    Attributes:
        files: what is installed in a prepared environment.
    """

    python: Path
    environment: Environment
    files: tuple[Path, ...] = field(default=(), compare=False, repr=False)


class WorkerPool:
    """Workers to use one at a time, from any number of threads.

    Args:
        cache: where the staged code is kept.
        warm: idle workers to keep for the next use of the same environment: starting one means importing an SDK, which
            takes seconds, and keeping it costs about a hundred megabytes.
    """

    def __init__(self, cache: Path, *, warm: int = 0) -> None:
        self._cache = cache
        self._warm = warm
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._busy: set[Worker] = set()
        self._idle: list[tuple[tuple[Target, Limits], Worker]] = []

    def __enter__(self) -> Self:
        """Starts the provider server."""
        self._server = self._stack.enter_context(ProviderServer())
        self._servers = self._stack.enter_context(InstalledServers())
        self._staged = stage_code(self._cache)
        self._code = staged_files(self._staged)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every worker and the server."""
        self.stop()
        with self._lock:
            idle, self._idle = self._idle, []
        for _, worker in idle:
            worker.close()
        self._stack.close()

    @property
    def stopped(self) -> bool:
        """Whether the pool gives out no more workers."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Kills every worker in use, and with it its trials; their users get `ExecutorStopped`."""
        with self._lock:
            self._stopped.set()
            workers = list(self._busy)
        for worker in workers:
            worker.kill()

    @contextmanager
    def worker(self, target: Target, limits: Limits) -> Iterator[Worker]:
        """Gives out a worker for as long as the block lasts: an idle one, or a new one.

        Raises:
            WorkerLost: the worker cannot start, or ends in the block.
            ExecutorStopped: the pool was stopped.
        """
        kind = (target, limits)
        worker = self._take_idle(kind) or Worker(
            target.python,
            self._staged,
            self._server,
            servers=self._servers,
            files=(*target.files, *self._code),
            loop=target.environment.loop,
            limits=limits,
        )
        unused = [worker]
        try:
            with self._lock:
                if self.stopped:
                    raise ExecutorStopped
                self._busy.add(worker)
            yield worker
            with self._lock:
                self._idle.append((kind, worker))
                unused = [old for _, old in self._idle[: -self._warm or None]]
                del self._idle[: len(unused)]
        except WorkerLost:
            if self.stopped:
                raise ExecutorStopped from None
            raise
        finally:
            with self._lock:
                self._busy.discard(worker)
            for old in unused:
                old.close()

    def _take_idle(self, kind: tuple[Target, Limits]) -> Worker | None:
        with self._lock:
            for number, (of, worker) in enumerate(self._idle):
                if of == kind:
                    del self._idle[number]
                    return worker
        return None
