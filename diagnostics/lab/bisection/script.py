"""Runs a person's own script, as a program of its own, in the environment of each release.

The script calls the provider server: the variables that the SDKs read name its URL, and keys that are none. It gets no
input and nothing of the user's shell. Its dependencies are in its header (PEP 723). Its outcome is what is left of a
trial without a result file: exit status, standard error and, with the sanitizer, findings.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from diagnostics.lab.bisection.consensus import last_line
from diagnostics.lab.bisection.evaluate import NoOutcome, OutcomeSession
from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.environments import PreparedEnvironment
from diagnostics.lab.execution.essentials import Essentials
from diagnostics.lab.execution.outcome import printable
from diagnostics.lab.execution.process import ProcessResult, run_bounded
from diagnostics.lab.execution.staging import stage_code, staged_files
from diagnostics.lab.execution.worker import clean_environment
from diagnostics.lab.redactor import Redact
from diagnostics.lab.server import ProviderServer
from diagnostics.model.bisection import Outcome
from diagnostics.model.libraries import base_urls, key_variables

_HEADER = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""The regular expression of PEP 723."""


def dependencies(script: Path) -> list[str]:
    """Returns the dependencies in a script's header.

    Raises:
        InvalidRequest: the script cannot be read, or its header is not TOML.
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
    """Runs one script in any environment.

    Attributes:
        module: must be importable, or the release has no outcome.
        timeout: seconds until the script counts as hanging.
    """

    script: Path
    module: str
    timeout: float
    cache: Path
    redact: Redact

    @contextmanager
    def open(self, prepared: PreparedEnvironment) -> Iterator[OutcomeSession]:
        """Starts the server that the script calls."""
        with (
            ProviderServer() as server,
            tempfile.TemporaryDirectory(prefix="diagnostics-script-", ignore_cleanup_errors=True) as folder,
        ):
            session = _ScriptSession(self, prepared, server, Path(folder))
            session.check()
            yield session


class _ScriptSession:
    def __init__(self, runner: ScriptRunner, prepared: PreparedEnvironment, server: ProviderServer, folder: Path):
        self._runner = runner
        self._python = prepared.python
        self._server = server
        self._folder = folder
        self._staged = stage_code(runner.cache)
        needed = (prepared.python, *prepared.files, *staged_files(self._staged))
        self._essentials = Essentials(server, folder, needed)
        self._count = 0

    def check(self) -> None:
        """Raises `NoOutcome` if the package itself cannot be imported."""
        ended = self._execute(["-c", f"import {self._runner.module}"], "check")
        if ended.exit_status != 0:
            last = (ended.output.strip().splitlines() or ["no output"])[-1]
            raise NoOutcome(f"incompatible: {self._runner.module} cannot be imported: {last}")

    def run(self, count: int, *, instrumented: bool) -> list[Outcome]:
        return [self._once(instrumented=instrumented) for _ in range(count)]

    def _once(self, *, instrumented: bool) -> Outcome:
        self._count += 1
        name = f"script-{os.getpid()}-{self._count}"
        findings = self._folder / f"{name}.json"
        arguments = [str(self._runner.script.resolve())]
        if instrumented:
            arguments = ["-m", "diagnostics.sanitizer", "--json", str(findings), "--exit-code", "0", "--", *arguments]
        ended = self._execute(arguments, name)
        account = self._server.forget(name)
        data: Mapping[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            data = json.loads(findings.read_bytes())
        return Outcome(
            _symptom(ended, repeats=account.retries > 0),
            tuple(sorted({finding["kind"] for finding in data.get("findings", ())})),
            repeats=account.retries > 0,
            exit_status=ended.exit_status,
            evidence=last_line(self._runner.redact(printable(ended.output))),
        )

    def _execute(self, arguments: Sequence[str], name: str) -> ProcessResult:
        clean = clean_environment(self._staged, self._server.ca_file, str(self._folder))
        try:
            ended = run_bounded(
                [str(self._python), *arguments],
                self._folder / f"{name}.out",
                env={**clean, **variables(self._server.trial_url(name))},
                timeout=self._runner.timeout,
                only_stderr=True,
            )
        except OSError as error:
            raise NoOutcome(f"broken: {self._essentials.lost() or error}") from error
        if (lost := self._essentials.lost()) is not None:
            raise NoOutcome(f"broken: {lost}")
        return ended


def variables(url: str) -> dict[str, str]:
    """Returns the environment variables that make the SDKs call the provider server."""
    return {**base_urls(url), **dict.fromkeys(key_variables(), "none")}


def _symptom(ended: ProcessResult, *, repeats: bool) -> str:
    if ended.exit_status is None:
        return "hang"
    if ended.exit_status < 0:
        return "crash"
    if ended.exit_status > 0:
        return "raised"
    if ended.output.strip():
        return "logged"
    return "retried" if repeats else "none"
