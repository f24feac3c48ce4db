"""The host's side of a worker: starting it, asking it for trials, reading what they left.

One `Worker` belongs to one thread. The worker ends when its standard input does, and takes its children with it, so
nothing outlives the host even if the host is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from diagnostics.lab.execution.outcome import Traces, TrialPlan
from diagnostics.lab.server import ProviderServer
from diagnostics.model.codec import encode
from diagnostics.model.event import EVENTS_SUFFIX
from diagnostics.model.request import TrialRequest

OUTPUT_READ = 64 * 1024
"""Bytes of a trial's output that are read from each of its two ends."""


EVENTS_READ = 2 * 2**20
"""Bytes that are read of what a trial wrote for its timeline."""


class WorkerLost(Exception):
    """The worker itself ended or could not start; the message says how.

    Attributes:
        in_flight: the trials it had in hand: one of them may be why.
    """

    def __init__(self, message: str, in_flight: tuple[TrialPlan, ...] = ()) -> None:
        super().__init__(message)
        self.in_flight = in_flight


class Worker:
    """A worker process in an environment.

    Args:
        python: the environment's interpreter.
        inside: folder to put on `PYTHONPATH`.
        server: where the calls go.
        timeout: seconds a trial may take.
        memory: bytes of address space a trial may use; 0 is no limit.
        probe_timeout: seconds a provider's first call may take, imports included.
        fork: whether the worker may fork; it never does where the system cannot.
        events: whether instrumented trials write their events down, beside their results in `folder`.
    """

    def __init__(
        self,
        python: Path,
        inside: Path,
        server: ProviderServer,
        *,
        loop: str = "asyncio",
        timeout: float = 30.0,
        memory: int = 0,
        probe_timeout: float = 60.0,
        fork: bool = True,
        events: bool = False,
    ) -> None:
        self._server = server
        self._loop = loop
        self._timeout = timeout
        self._memory = memory
        self._events = events
        self._probe_timeout = probe_timeout
        self._probed: dict[str, tuple[str, str | None]] = {}
        # What a killed trial still writes while its files are removed is no error.
        self._folder = tempfile.TemporaryDirectory(prefix="diagnostics-trials-", ignore_cleanup_errors=True)
        self._errors = Path(self._folder.name, "worker.err")
        try:
            with self._errors.open("wb") as errors:
                self._process = subprocess.Popen(
                    [str(python), "-m", "diagnostics.worker", *([] if fork else ["--no-fork"])],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=self._folder.name,
                    env=clean_environment(inside, server.ca_file, self._folder.name),
                    # Ctrl-C in a terminal reaches the whole group: this process decides what ends when.
                    start_new_session=True,
                )
        except OSError as error:
            self._folder.cleanup()
            raise WorkerLost(f"the worker cannot start with {python}: {error.strerror or error}") from error
        try:
            self._receive()
        except WorkerLost:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where trials leave their files; gone once the worker is closed."""
        return Path(self._folder.name)

    def kill(self) -> None:
        """Ends the worker at once, from any thread; it takes its children with it as its input ends.

        Whoever waits for it in `run` or `probe` gets `WorkerLost`.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def close(self) -> None:
        """Ends the worker and what it started, and removes the trials' files."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(timeout=10)
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
            raise WorkerLost(self._how_it_ended()) from None

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise WorkerLost(self._how_it_ended())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            return "the worker closed its output and still runs"
        lines = self._errors.read_text(errors="replace").strip().splitlines()
        return f"the worker ended with status {status}: {lines[-1] if lines else 'it printed nothing'}"

    def probe(self, provider: str) -> tuple[str, str | None]:
        """Tries a provider once and preloads what it imports; asked again, it answers from memory.

        Returns:
            A status (`ran`, `incompatible`, `broken`) and the reason where it is not `ran`.
        """
        if provider in self._probed:
            return self._probed[provider]
        name = f"probe-{os.urandom(8).hex()}"
        self._send(
            {
                "probe": provider,
                "url": self._server.trial_url(name),
                "folder": self._folder.name,
                "timeout": self._probe_timeout,
            }
        )
        answer = self._receive()
        self._server.forget(name)
        self._probed[provider] = answer["status"], answer["reason"]
        return self._probed[provider]

    def run(self, plans: Iterable[TrialPlan], at_once: int) -> Iterator[tuple[TrialPlan, Traces]]:
        """Runs trials, at most `at_once` at the same time, and yields each as it ends.

        Raises:
            WorkerLost: the worker ended; the trials not yet yielded have no traces.
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
                raise WorkerLost(str(error), tuple(running.values())) from None
            plan = running.pop(answer["key"])
            yield plan, self._traces(plan, answer)

    def _request(self, plan: TrialPlan) -> TrialRequest:
        return TrialRequest(
            key=plan.key,
            provider=plan.cell.provider,
            scenario=plan.cell.scenario,
            fix=plan.cell.fix,
            load=plan.cell.load,
            url=self._server.trial_url(plan.key),
            folder=self._folder.name,
            timeout=self._timeout,
            memory=self._memory,
            loop=self._loop,
            cold=plan.mode == "cold",
            instrumented=plan.instrumented,
            events=plan.instrumented and (self._events or plan.timeline),
            timeline=plan.instrumented and plan.timeline,
        )

    def _traces(self, plan: TrialPlan, answer: Mapping[str, Any]) -> Traces:
        result_file = Path(self._folder.name, f"{plan.key}.json")
        output_file = Path(self._folder.name, f"{plan.key}.out")
        try:
            result = json.loads(result_file.read_bytes())
        except (OSError, ValueError):
            result = None
        output = read_ends(output_file)
        events = self._timeline(plan)
        for file in (result_file, output_file, result_file.with_suffix(".json.part")):
            file.unlink(missing_ok=True)
        return Traces(
            result=result if isinstance(result, dict) and "status" in result else None,
            exit=answer["exit"],
            hang=answer["hang"],
            output=output,
            account=self._server.forget(plan.key),
            events=events,
        )

    def _timeline(self, plan: TrialPlan) -> str:
        """What a trial wrote for its timeline; the file stays where somebody follows it."""
        if not (plan.instrumented and plan.timeline):
            return ""
        file = Path(self._folder.name, plan.key + EVENTS_SUFFIX)
        try:
            with file.open("rb") as stream:
                text = stream.read(EVENTS_READ).decode(errors="replace")
        except OSError:
            return ""
        if not self._events:
            file.unlink(missing_ok=True)
        return text


def read_ends(file: Path) -> str:
    """The text of a file; of a large one, its beginning and its end."""
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


def clean_environment(inside: Path, ca_file: Path, home: str) -> dict[str, str]:
    """The variables of a trial: what an interpreter needs, our certificate, and nothing of the person's own.

    No key, no proxy and no configuration of a person's shell reaches the target, and nothing leaves the loopback.
    """
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": home,
        "PYTHONPATH": str(inside),
        "PYTHONNOUSERSITE": "1",
        "SSL_CERT_FILE": str(ca_file),
        # requests, which old releases of google-genai call synchronously, reads this one instead.
        "REQUESTS_CA_BUNDLE": str(ca_file),
        "NO_PROXY": "*",
    }
