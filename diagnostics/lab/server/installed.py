"""Database servers of this machine, started for a run: each on a Unix socket in a folder of its own, without a port."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from diagnostics.lab.server.provider_server import ServerError
from diagnostics.model.parent_death import end_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_UNPRIVILEGED: Final = "nobody"
"""Who runs a server where this process is root, which PostgreSQL refuses to run as."""

_READY: Final = b"ready to accept connections"
"""What the logs of PostgreSQL and Redis say then."""


class NotInstalledError(ServerError):
    """A server is not installed; the message names the command that installs it."""


@dataclass(frozen=True)
class RunningServer:
    """An installed server that was started; `url` is where clients find it."""

    url: str
    _folder: Path
    _process: subprocess.Popen[bytes]

    def lost(self) -> str | None:
        """Returns what clients need and is no longer there, as a sentence; `None` while they can call the server."""
        if self._process.poll() is not None:
            return f"{self._process.args[0]} ended while trials needed it"  # type: ignore[index, str-bytes-safe]
        return None if self._folder.exists() else f"{self._folder} was removed while trials needed it"


@dataclass(frozen=True)
class InstalledServer:
    """A server that is installed by the system's package manager.

    Attributes:
        binary: the program.
        package: Debian's name of the package.
        also: folders in which packages keep such programs off the path, as patterns.
        url: where clients find it, with `{folder}`.
        prepare: makes its data, with `{binaries}` and `{folder}`.
        arguments: of the program, with `{folder}`.
    """

    binary: str
    package: str
    url: str
    arguments: tuple[str, ...]
    prepare: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def find(self) -> Path:
        """Returns the program.

        Raises:
            NotInstalledError: it is not on this machine.
        """
        found = shutil.which(self.binary)
        beside = [path for pattern in self.also for path in Path("/").glob(f"{pattern}/{self.binary}")]
        if found is None and not beside:
            message = f"{self.binary} is not installed; install it with `apt-get install {self.package}`"
            raise NotInstalledError(message)
        return Path(found) if found else max(beside)

    @contextlib.contextmanager
    def running(self) -> Iterator[RunningServer]:
        """Starts it, and ends it; it also ends when this process does.

        Raises:
            NotInstalledError: it is not on this machine.
            ServerError: it ended before it accepted a connection; the message has the end of its log.
        """
        program = self.find()
        folder = Path(tempfile.mkdtemp(prefix="diagnostics-"))
        try:
            user = _give_away(folder)
            words = {"folder": str(folder), "binaries": str(program.parent)}
            start = functools.partial(_popen, user=user)
            if self.prepare:
                prepared = start([word.format(**words) for word in self.prepare])
                output, _ = prepared.communicate()
                if prepared.returncode:
                    raise ServerError(f"{self.binary} cannot be prepared: {_last_line(output)}")
            with start([str(program), *(word.format(**words) for word in self.arguments)]) as process:
                # Nobody reads the rest of its log, and it must not wait until somebody does.
                reader = threading.Thread(target=deque, args=(process.stdout, 0), daemon=True)
                try:
                    self._wait(process)
                    reader.start()
                    yield RunningServer(self.url.format(**words), folder, process)
                finally:
                    process.terminate()
                    process.wait()
                    if reader.ident is not None:
                        reader.join()  # before `with` closes what it reads
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        line = b""
        for line in process.stdout:
            if _READY in line.lower():
                return
        raise ServerError(f"{self.binary} did not start: {_last_line(line)}")


class InstalledServers:
    """A context manager for the servers of a run; each is started when it is first needed."""

    def __init__(self) -> None:
        # The kernel ends a server with the thread that started it, so one that stays starts them all.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="installed-servers")
        self._stack = contextlib.ExitStack()
        self._running: dict[str, RunningServer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._running:
            self._thread.submit(self._stack.close).result()
        self._thread.shutdown()

    def url(self, name: str) -> str:
        """Returns the address of a server, from any thread.

        Args:
            name: in `SERVERS`.

        Raises:
            NotInstalledError: it is not on this machine.
            ServerError: it cannot start.
        """
        running = self._running.get(name) or self._thread.submit(self._start, name).result()
        return running.url

    def lost(self, names: Iterable[str]) -> str | None:
        """Returns which of these servers clients can no longer call, as a sentence; `None` while they can call all."""
        return next((lost for name in names if (lost := self._running[name].lost())), None)

    def _start(self, name: str) -> RunningServer:
        if name not in self._running:
            self._running[name] = self._stack.enter_context(SERVERS[name].running())
        return self._running[name]


def _popen(command: list[str], *, user: str | None) -> subprocess.Popen[bytes]:
    end_with_us: Callable[[], None] = functools.partial(end_with, os.getpid())
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=user,
        preexec_fn=end_with_us,  # noqa: PLW1509 - it asks the kernel for a signal, and takes no lock
        cwd="/",
    )


def _give_away(folder: Path) -> str | None:
    if os.geteuid() != 0:
        return None
    shutil.chown(folder, _UNPRIVILEGED)
    return _UNPRIVILEGED


def _last_line(output: bytes) -> str:
    return output.decode(errors="replace").strip().rpartition("\n")[2] or "it printed nothing"


POSTGRESQL: Final = InstalledServer(
    "postgres",
    "postgresql",
    url="postgresql://postgres@/postgres?host={folder}",
    prepare=("{binaries}/initdb", "--no-sync", "--auth=trust", "--username=postgres", "--pgdata={folder}/data"),
    arguments=(
        *("-D", "{folder}/data", "-k", "{folder}", "-c", "listen_addresses="),
        # A backend that is killed ends the whole server, as trials would get its failure for their own.
        *("-c", "restart_after_crash=off"),
        *("-c", "fsync=off", "-c", "log_destination=stderr", "-c", "logging_collector=off"),
    ),
    also=("usr/lib/postgresql/*/bin",),
)
REDIS: Final = InstalledServer(
    "redis-server",
    "redis-server",
    url="unix://{folder}/redis.sock",
    arguments=("--port", "0", "--unixsocket", "{folder}/redis.sock", "--save", "", "--dir", "{folder}"),
)
SERVERS: Final = {"redis": REDIS, "postgresql": POSTGRESQL}
"""By the names that the table of libraries uses."""
