"""Plays a person's own script, as a program of its own, in whatever environment it is given.

The script calls the provider server: the variables that the SDKs read name it, and hold no key. It gets nothing of the
person's shell, and no input. What it depends on stands in its header (PEP 723). What it leaves behind is read as for a
trial: exit status, what it wrote to standard error, and with the sanitizer its findings.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from diagnostics.lab.bisection.consensus import last_line
from diagnostics.lab.bisection.evaluate import NoOutcome, Session
from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.environments import PreparedEnvironment
from diagnostics.lab.execution.outcome import printable
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import clean_environment, read_ends
from diagnostics.lab.server import ProviderServer
from diagnostics.model.bisection import Outcome
from diagnostics.model.libraries import base_urls, key_variables

_HEADER = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""As PEP 723 gives it."""


def dependencies(script: Path) -> list[str]:
    """What a script says that it needs.

    Raises:
        InvalidRequest: it cannot be read, or its header is not TOML.
    """
    try:
        text = script.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{script} cannot be read: {error}") from None
    header = _HEADER.search(text)
    if header is None:
        return []
    lines = header["content"].splitlines()
    try:
        data = tomllib.loads("\n".join(line.removeprefix("#").removeprefix(" ") for line in lines))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"the header of {script} is not valid TOML: {error}") from None
    return [str(each) for each in data.get("dependencies", [])]


@dataclass(frozen=True)
class ScriptRunner:
    """Plays one script.

    Attributes:
        module: what must be importable, or the release cannot tell.
        timeout: seconds it may take.
    """

    script: Path
    module: str
    timeout: float
    cache: Path
    redact: Callable[[str], str]

    @contextmanager
    def open(self, prepared: PreparedEnvironment) -> Iterator[Session]:
        """The server that the script calls, and a folder for what it leaves."""
        with (
            ProviderServer() as server,
            tempfile.TemporaryDirectory(prefix="diagnostics-script-", ignore_cleanup_errors=True) as folder,
        ):
            session = _ScriptSession(self, prepared, server, Path(folder))
            session.check()
            yield session


class _ScriptSession:
    def __init__(self, player: ScriptRunner, prepared: PreparedEnvironment, server: ProviderServer, folder: Path):
        self._player = player
        self._python = prepared.python
        self._server = server
        self._folder = folder
        self._inside = stage_code(player.cache)
        self._played = 0

    def check(self) -> None:
        """Raises `NoOutcome` where the package itself cannot be imported."""
        ended = self._run(["-c", f"import {self._player.module}"], "check")
        if ended.status != 0:
            last = (ended.output.strip().splitlines() or ["it said nothing"])[-1]
            raise NoOutcome(f"incompatible: {self._player.module} cannot be imported: {last}")

    def play(self, count: int, *, instrumented: bool) -> list[Outcome]:
        return [self._once(instrumented=instrumented) for _ in range(count)]

    def _once(self, *, instrumented: bool) -> Outcome:
        self._played += 1
        name = f"script-{os.getpid()}-{self._played}"
        findings = self._folder / f"{name}.json"
        script = str(self._player.script.resolve())
        under = ["-m", "diagnostics.sanitizer", "--json", str(findings), "--exit-code", "0", "--", script]
        ended = self._run(under if instrumented else [script], name)
        account = self._server.forget(name)
        data: Mapping[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            data = json.loads(findings.read_bytes())
        return Outcome(
            _symptom(ended, repeats=account.retries > 0),
            tuple(sorted({finding["kind"] for finding in data.get("findings", ())})),
            repeats=account.retries > 0,
            exit_status=None if ended.hang else ended.status,
            evidence=last_line(self._player.redact(printable(ended.output))),
        )

    def _run(self, arguments: Sequence[str], name: str) -> _Ended:
        output = self._folder / f"{name}.out"
        url = self._server.trial_url(name)
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [str(self._python), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                env={**clean_environment(self._inside, self._server.ca_file, str(self._folder)), **variables(url)},
                # It is ended with whatever it has started.
                start_new_session=True,
            )
            hang = False
            try:
                process.wait(self._player.timeout)
            except subprocess.TimeoutExpired:
                hang = True
            finally:
                _end(process)
        return _Ended(process.returncode, hang, read_ends(output))


@dataclass(frozen=True)
class _Ended:
    status: int
    hang: bool
    output: str


def variables(url: str) -> dict[str, str]:
    """What tells the SDKs where the provider server is."""
    return {**base_urls(url), **dict.fromkeys(key_variables(), "none")}


def _symptom(ended: _Ended, *, repeats: bool) -> str:
    if ended.hang:
        return "hang"
    if ended.status < 0:
        return "crash"
    if ended.status > 0:
        return "raised"
    if ended.output.strip():
        return "logged"
    return "retried" if repeats else "none"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a script and whatever it has started; nothing of it may be left when the next one begins."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
