"""Makes the record of a trial from its result file, its exit status, its output and the server's account. Pure.

If several things happened, the symptom is the first of: the process did not end (`hang`), it died (`crash`), a call
raised (`raised`), something was printed (`logged`), the server received more requests than calls, or requests that say
they repeat another one (`retried`).

An exception is a symptom only if the scenario can provoke it. A program that fails with others only is `unrelated`: it
says nothing about the error under test.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.redactor import Redact
from diagnostics.lab.server import Account
from diagnostics.model.cell import Cell, Environment
from diagnostics.model.event import Event
from diagnostics.model.request import HARNESS_FAILED
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.redaction import bounded, taken

EVIDENCE_CHARACTERS: Final = 2000

INNERMOST: Final = 9
"""Frames to keep of each stack of a program that hangs."""

_STACK = re.compile(r"^(?=(?:Current thread|Thread) 0x[0-9a-f]+)", re.MULTILINE)
_INSTALLED = re.compile(r"(?<=File \")[^\"\n]*[\\/]site-packages[\\/]")


@dataclass(frozen=True)
class Traces:
    """What a trial left behind.

    Attributes:
        result: the object in the result file; `None` if there is no such file or it is incomplete.
        exit: exit status; if negative, the signal that ended the process.
        hang: whether the process was killed because its time was over.
        output: what it printed; of a long output, the beginning and the end.
        account: what the server received.
        events: what an instrumented trial has written of its events, one JSON object a line.
    """

    result: Mapping[str, Any] | None
    exit: int
    hang: bool
    output: str
    account: Account
    events: str = ""


@dataclass(frozen=True)
class TrialResult:
    """The record of a trial, and its events if they were recorded."""

    trial: Trial
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class TrialPlan:
    """One trial to run.

    Attributes:
        trial: its number among the trials of the cell.
        mode: `fork` or `cold`.
        instrumented: whether it runs under the sanitizer.
        events: whether an instrumented trial records its events as they happen, without an upper limit.
        timeline: whether it records a timeline: fewer events, with connections, threads and stacks.
    """

    cell: Cell
    trial: int
    mode: str
    instrumented: bool = False
    events: bool = False
    timeline: bool = False

    @property
    def key(self) -> str:
        """The trial's identity, the same in every process and on every day."""
        return self.cell.key(self.trial, mode=self.mode, instrumented=self.instrumented)


def conclude(plan: TrialPlan, environment: Environment, traces: Traces, redact: Redact) -> Trial:
    """Returns the record of a trial that was started."""
    status, symptom, text = _classify(traces, SCENARIOS[plan.cell.scenario].provokes)
    result = traces.result or {}
    # Shortened after the redaction, which does not recognise half a secret. `bounded` cuts far beyond what is shown.
    raw = bounded(printable(text))
    whole = redact(raw)
    shown = shorten(whole) if text else None
    return Trial(
        key=plan.key,
        environment=environment,
        cell=plan.cell,
        trial=plan.trial,
        mode=plan.mode,
        instrumented=plan.instrumented,
        status=status,
        reason=shown if status != "ran" else None,
        symptom=symptom,
        recovers=result.get("recovers") if status == "ran" else None,
        evidence=shown if status == "ran" else None,
        findings=tuple(FindingCount(**finding) for finding in result.get("findings", ())),
        accounting=Accounting(
            calls=result.get("calls", 0),
            answers=result.get("answers", 0),
            requests=traces.account.requests,
            retries=traces.account.retries,
            connections=traces.account.connections,
            seconds=round(result.get("seconds", 0.0), 6),
            fds_left=result.get("fds_left", 0),
            fds_leaked=result.get("fds_leaked", 0),
            threads_left=result.get("threads_left", 0),
        ),
        redacted=taken(raw, whole),
    )


def not_run(plan: TrialPlan, environment: Environment, status: str, reason: str, redact: Redact) -> Trial:
    """Returns the record of a trial that could not run."""
    raw = bounded(printable(reason))
    whole = redact(raw)
    return Trial(
        key=plan.key,
        environment=environment,
        cell=plan.cell,
        trial=plan.trial,
        mode=plan.mode,
        instrumented=plan.instrumented,
        status=status,
        reason=shorten(whole),
        redacted=taken(raw, whole),
    )


def _classify(traces: Traces, provokes: Collection[str]) -> tuple[str, str | None, str]:
    """Status, symptom, and the text that shows it."""
    status, symptom, text = _shown(traces)
    if symptom == "raised" and traces.result is not None:
        names = [name for error in traces.result["errors"] for name in chained(error)]
    elif symptom == "logged" or (symptom == "crash" and traces.exit >= 0):
        names = printed(traces.output)
    else:
        return status, symptom, text
    if names and not any(name in provokes for name in names):
        return "unrelated", None, text
    return status, symptom, text


def chained(error: str) -> list[str]:
    """Returns the names of the classes in a chain as `program.describe` writes it."""
    return [_class(link) for link in error.split(" <- ")]


def printed(output: str) -> list[str]:
    """Returns the names of the classes that end the tracebacks in a text, those of an exception group one by one."""
    names: list[str] = []
    margin: str | None = None
    for line in output.splitlines():
        before, found, _ = line.partition("Traceback (most recent call last):")
        if found:
            margin = before.removesuffix("Exception Group ").replace("+", "|")
        elif margin is not None and not line.startswith(margin + " "):
            names.append(_class(line.removeprefix(margin)))
            margin = None
    return names


def _class(line: str) -> str:
    return line.partition(":")[0].strip().rpartition(".")[2]


def _shown(traces: Traces) -> tuple[str, str | None, str]:
    output = traces.output.strip()
    if traces.hang:
        return "ran", "hang", "the program did not end in time\n" + innermost(output)
    if traces.exit < 0:
        return "ran", "crash", f"the process was ended by {_signal_name(-traces.exit)}\n" + output
    if traces.exit == HARNESS_FAILED and traces.result is None:
        return "broken", None, output or f"the process ended with status {HARNESS_FAILED}"
    if traces.exit > 0:
        return "ran", "crash", f"the process ended with status {traces.exit}\n" + output
    if traces.result is None:
        return "ran", "crash", "the process ended with status 0 in the middle of its program\n" + output
    if traces.result["status"] != "ran":
        return str(traces.result["status"]), None, str(traces.result["reason"] or "no reason was given")
    if traces.result["raised"]:
        return "ran", "raised", "\n".join(traces.result["errors"]).strip() or "an exception without a message"
    if output:
        return "ran", "logged", output
    account, calls = traces.account, traces.result["calls"]
    if account.retries or account.requests > calls:
        return "ran", "retried", f"{calls} calls, {account.requests} requests, {account.retries} marked as a retry"
    return "ran", "none", ""


def innermost(output: str) -> str:
    """Returns what a program printed, with only the innermost frames of each stack that `faulthandler` added.

    Identical stacks, such as those of idle threads in a pool, are shown once, with their number.
    """
    last, *blocks = _STACK.split(_INSTALLED.sub("", output))
    stacks = Counter("\n".join(block.rstrip().split("\n")[1 : INNERMOST + 1]) for block in blocks)
    shown = (f"{count} thread{'s' if count > 1 else ''}, innermost first:\n{stack}" for stack, count in stacks.items())
    return "\n".join(filter(None, (last.rstrip(), *shown)))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def printable(text: str) -> str:
    """Returns the text without lone surrogates, which no file can hold; errors about file names have them."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shorten(text: str, limit: int = EVIDENCE_CHARACTERS) -> str:
    """Returns the beginning and the end of a text, at most `limit` characters, and how many were left out between."""
    if len(text) <= limit:
        return text
    half = (limit - 40) // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters …]\n{text[-half:]}"
