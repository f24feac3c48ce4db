"""Starts a worker process in an environment, sends it trials and collects what they leave behind.

One `Worker` belongs to one thread. The worker process ends when its standard input does and takes its children with it,
so nothing outlives the host, even if the host is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from diagnostics.lab.execution.essentials import Essentials
from diagnostics.lab.execution.outcome import Traces, TrialPlan
from diagnostics.lab.server import Account, ProviderServer, ServerError
from diagnostics.lab.server.installed import InstalledServers, NotInstalledError
from diagnostics.model.codec import RecordError, encode, parse
from diagnostics.model.event import EVENTS_SUFFIX
from diagnostics.model.libraries import LIBRARIES
from diagnostics.model.limits import Limits
from diagnostics.model.request import HARNESS_FAILED, TrialRequest

OUTPUT_READ: Final = 64 * 1024
"""Bytes to read from the beginning and from the end of a trial's output."""

TIMELINE_READ: Final = 2 * 2**20
"""Bytes to read of the events of a timeline, which shows a few hundred events."""

EXIT_TIMEOUT: Final = 10.0
"""Seconds for a worker to end once its standard input is closed."""


class WorkerLost(Exception):
    """The worker process ended or could not start; the message says how.

    Attributes:
        running: the trials it was running, one of which may be the reason.
    """

    def __init__(self, message: str, running: tuple[TrialPlan, ...] = ()) -> None:
        super().__init__(message)
        self.running = running


class EssentialLost(WorkerLost):
    """Something that every trial needs is gone, so that no outcome counts; the message says what."""


class Worker:
    """A worker process in an environment.

    Args:
        python: the environment's interpreter.
        staged: the folder of `staging.stage_code`.
        server: receives the calls of the trials.
        files: what must be there while trials run, beside the interpreter.
        servers: those of this machine, for the trials whose provider has no provider server.
        loop: the loop implementation.
        fork: whether the worker may fork; it never does where the system cannot.

    Raises:
        WorkerLost: the process cannot start.
        EssentialLost: it cannot start because something is gone.
    """

    def __init__(
        self,
        python: Path,
        staged: Path,
        server: ProviderServer,
        *,
        files: Iterable[Path] = (),
        servers: InstalledServers | None = None,
        loop: str = "asyncio",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        fork: bool = True,
    ) -> None:
        self._server = server
        self._servers = servers
        self._called: set[str] = set()
        self._loop = loop
        self._limits = limits
        self._probed: dict[str, tuple[str, str | None]] = {}
        # A killed trial may still write while its files are removed.
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="diagnostics-trials-", ignore_cleanup_errors=True)
        except OSError as error:
            raise EssentialLost(f"a temporary folder cannot be created: {error}") from error
        self._errors = Path(self._folder.name, "worker.err")
        self._essentials = Essentials(server, self.folder, (python, *files))
        try:
            with self._errors.open("wb") as errors:
                self._process = subprocess.Popen(
                    [str(python), "-m", "diagnostics.worker", *([] if fork else ["--no-fork"])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=self._folder.name,
                    env=clean_environment(staged, server.ca_file, self._folder.name),
                    # Ctrl-C in a terminal reaches the whole process group, but this process decides what ends when.
                    start_new_session=True,
                )
        except OSError as error:
            kind = WorkerLost if self._essentials.lost() is None else EssentialLost
            self._folder.cleanup()
            raise kind(f"the worker cannot start with {python}: {error.strerror or error}") from error
        try:
            self._receive()
        except WorkerLost:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where trials write their files; removed when the worker is closed."""
        return Path(self._folder.name)

    def kill(self) -> None:
        """Ends the worker and its children at once, from any thread; `run` and `probe` raise `WorkerLost`."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def close(self) -> None:
        """Ends the worker and its children, and removes the trials' files."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(timeout=EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._folder.cleanup()

    def _send(self, request: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):  # ValueError: closed by kill
            raise self._lost(self._how_it_ended()) from None

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._lost(self._how_it_ended())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _lost(self, message: str) -> WorkerLost:
        """Why there is no worker: because something else is gone, or the given reason."""
        lost = self._gone()
        return WorkerLost(message) if lost is None else EssentialLost(lost)

    def _gone(self) -> str | None:
        lost = self._essentials.lost()
        return self._servers.lost(self._called) if lost is None and self._servers is not None else lost

    def _check(self, running: Iterable[TrialPlan] = ()) -> None:
        if (lost := self._gone()) is not None:
            raise EssentialLost(lost, tuple(running))

    @property
    def _unwritten(self) -> str:
        return f"a result could not be written to {self.folder}"

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(timeout=EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            return "the worker closed its output but still runs"
        lines = read_ends(self._errors).strip().splitlines()
        return f"the worker ended with status {status}: {lines[-1] if lines else 'it printed nothing'}"

    def probe(self, provider: str) -> tuple[str, str | None]:
        """Calls a provider once and preloads what it imports; later calls return the first answer.

        Returns:
            A status (`ran`, `incompatible`, `unavailable`, `broken`), and the reason if it is not `ran`.

        Raises:
            WorkerLost: the worker ended.
            EssentialLost: something that the call needs is gone.
        """
        if provider in self._probed:
            return self._probed[provider]
        name = f"probe-{os.urandom(8).hex()}"
        try:
            url = self._url(provider, name)
        except NotInstalledError as error:
            self._probed[provider] = "unavailable", str(error)
            return self._probed[provider]
        except ServerError as error:
            self._probed[provider] = "broken", str(error)
            return self._probed[provider]
        self._send(
            {
                "probe": provider,
                "url": url,
                "folder": self._folder.name,
                "timeout": self._limits.first_call,
            }
        )
        answer = self._receive()
        self._server.forget(name)
        if answer["status"] != "ran":
            self._check()
            if answer["exit"] == HARNESS_FAILED:
                raise EssentialLost(self._unwritten)
        self._probed[provider] = answer["status"], answer["reason"]
        return self._probed[provider]

    def _url(self, provider: str, trial: str) -> str:
        server = LIBRARIES[provider].server
        if not server:
            return self._server.trial_url(trial)
        if self._servers is None:
            raise ServerError(f"this worker has no {server} server")
        url = self._servers.url(server)
        self._called.add(server)
        return f"{url}#{trial}"

    def run(self, plans: Iterable[TrialPlan], at_once: int) -> Iterator[tuple[TrialPlan, Traces]]:
        """Runs trials, at most `at_once` at the same time, and yields each as it ends.

        Raises:
            WorkerLost: the worker ended; trials that were not yielded yet have no traces.
            EssentialLost: something that trials need is gone; the traces of those that were not yielded say nothing.
        """
        waiting = iter(plans)
        running: dict[str, TrialPlan] = {}
        while True:
            try:
                while len(running) < at_once and (plan := next(waiting, None)) is not None:
                    running[plan.key] = plan
                    self._send({"trial": encode(self._request(plan))})
                if not running:
                    return
                answer = self._receive()
            except WorkerLost as error:
                raise type(error)(str(error), tuple(running.values())) from None
            traces = self._traces(running[answer["key"]], answer)
            # After the traces are read: until then they were where a loss can be seen.
            self._check(running.values())
            if traces.exit == HARNESS_FAILED and traces.result is None:
                raise EssentialLost(traces.output.strip() or self._unwritten, tuple(running.values()))
            yield running.pop(answer["key"]), traces

    def _request(self, plan: TrialPlan) -> TrialRequest:
        return TrialRequest(
            key=plan.key,
            provider=plan.cell.provider,
            scenario=plan.cell.scenario,
            fix=plan.cell.fix,
            load=plan.cell.load,
            url=self._url(plan.cell.provider, plan.key),
            folder=self._folder.name,
            timeout=self._limits.timeout,
            memory=self._limits.memory,
            loop=self._loop,
            cold=plan.mode == "cold",
            instrumented=plan.instrumented,
            events=plan.instrumented and (plan.events or plan.timeline),
            timeline=plan.instrumented and plan.timeline,
        )

    def _traces(self, plan: TrialPlan, answer: Mapping[str, Any]) -> Traces:
        result_file = Path(self._folder.name, f"{plan.key}.json")
        output_file = Path(self._folder.name, f"{plan.key}.out")
        try:
            result = parse(result_file.read_bytes())
        except (OSError, RecordError):
            result = None
        output = read_ends(output_file)
        events = self._read_events(plan)
        for file in (result_file, output_file, result_file.with_suffix(".json.part")):
            file.unlink(missing_ok=True)
        return Traces(
            result=result if isinstance(result, dict) and "status" in result else None,
            exit=answer["exit"],
            hang=answer["hang"],
            output=output,
            account=self._account(plan, result),
            events=events,
        )

    def _account(self, plan: TrialPlan, result: Any) -> Account:
        if isinstance(result, dict) and LIBRARIES[plan.cell.provider].server:
            return Account(requests=result.get("requests", 0), connections=result.get("connections", 0))
        return self._server.forget(plan.key)

    def _read_events(self, plan: TrialPlan) -> str:
        if not (plan.instrumented and (plan.events or plan.timeline)):
            return ""
        file = Path(self._folder.name, plan.key + EVENTS_SUFFIX)
        try:
            with file.open("rb") as stream:
                text = stream.read(None if plan.events else TIMELINE_READ).decode(errors="replace")
        except OSError:
            return ""
        if not plan.events:  # others are being tailed, and are removed with the folder
            file.unlink(missing_ok=True)
        return text


def read_ends(file: Path) -> str:
    """Returns the text of a file; of a large file, its beginning and its end."""
    try:
        with file.open("rb") as stream:
            head = stream.read(OUTPUT_READ)
            size = stream.seek(0, os.SEEK_END)
            if size <= OUTPUT_READ:
                return head.decode(errors="replace")
            stream.seek(max(OUTPUT_READ, size - OUTPUT_READ))
            tail = stream.read()
    except FileNotFoundError:
        return ""
    return f"{head.decode(errors='replace')}\n[… of {size} bytes …]\n{tail.decode(errors='replace')}"


def clean_environment(staged: Path, ca_file: Path, home: str) -> dict[str, str]:
    """Returns the environment variables of a trial: those that an interpreter needs, and our certificate.

    No key, proxy or configuration of the user's shell reaches the program under test, and no request leaves loopback.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": home,
        "PYTHONPATH": str(staged),
        "PYTHONNOUSERSITE": "1",
        "SSL_CERT_FILE": str(ca_file),
        # requests, which the sync client of old releases of google-genai uses, reads this one instead.
        "REQUESTS_CA_BUNDLE": str(ca_file),
        "NO_PROXY": "*",
    }
