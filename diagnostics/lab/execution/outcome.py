"""What a trial's traces mean: result file, end of the process, output and the server's account -> a `Trial`. Pure.

Precedence where several things happened: what ended the process, then what reached the caller, then what was printed,
then what only the server saw.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from diagnostics.lab.server import Account
from diagnostics.model.cell import Cell, Environment
from diagnostics.model.event import Event
from diagnostics.model.request import HARNESS_FAILED
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.redaction import bounded, taken

EVIDENCE_CHARACTERS = 2000

INNERMOST = 9
"""Frames that are kept of each stack of a program that hangs."""

_STACK = re.compile(r"^(?=(?:Current thread|Thread) 0x[0-9a-f]+)", re.MULTILINE)
_INSTALLED = re.compile(r"(?<=File \")[^\"\n]*[\\/]site-packages[\\/]")


@dataclass(frozen=True)
class Traces:
    """What a trial left behind.

    Attributes:
        result: the result file's object; `None` where there is none or it is not whole.
        exit: exit status; negative, the signal that ended the process.
        hang: it was ended because its time was over.
        output: what it printed, or the beginning and the end of it.
        account: what the server saw.
        events: what was written for its timeline, one JSON object a line; empty where none is kept.
    """

    result: Mapping[str, Any] | None
    exit: int
    hang: bool
    output: str
    account: Account
    events: str = ""


@dataclass(frozen=True)
class TrialResult:
    """The record of a trial, and the timeline that is kept of it, if any."""

    trial: Trial
    timeline: tuple[Event, ...] = ()


@dataclass(frozen=True)
class TrialPlan:
    """One trial to run; `timeline` says whether what happens in it, if it is instrumented, is kept."""

    cell: Cell
    trial: int
    mode: str
    instrumented: bool = False
    timeline: bool = False

    @property
    def key(self) -> str:
        """The trial's identity, in every process and on every day."""
        return self.cell.key(self.trial, mode=self.mode, instrumented=self.instrumented)


def conclude(plan: TrialPlan, environment: Environment, traces: Traces, clean: Callable[[str], str]) -> Trial:
    """The record of a trial.

    Args:
        clean: takes secrets and this machine's names out of a text.
    """
    status, symptom, text = _judge(traces)
    result = traces.result or {}
    # Shortened last: half a secret would not be recognised. What is bounded first is cut where nothing is shown.
    raw = bounded(printable(text))
    whole = clean(raw)
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


def missing(
    plan: TrialPlan, environment: Environment, status: str, reason: str, clean: Callable[[str], str] = str
) -> Trial:
    """The record of a trial that could not run; `clean` is as for `conclude`."""
    raw = bounded(printable(reason))
    whole = clean(raw)
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


def _judge(traces: Traces) -> tuple[str, str | None, str]:
    """Status, symptom, and the text that shows it."""
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
        return "ran", "raised", "\n".join(traces.result["errors"]).strip() or "an exception without a word"
    if output:
        return "ran", "logged", output
    account, calls = traces.account, traces.result["calls"]
    if account.retries or account.requests > calls:
        return "ran", "retried", f"{calls} calls, {account.requests} requests, {account.retries} marked as a retry"
    return "ran", "none", ""


def innermost(output: str) -> str:
    """What a program printed, with the innermost frames alone of each stack that `faulthandler` added.

    Stacks that are the same, as those of the threads of a pool, are told once, with their number.
    """
    last, *blocks = _STACK.split(_INSTALLED.sub("", output))
    stacks = Counter("\n".join(block.rstrip().split("\n")[1 : INNERMOST + 1]) for block in blocks)
    told = (f"{count} thread{'s' if count > 1 else ''}, innermost first:\n{stack}" for stack, count in stacks.items())
    return "\n".join(filter(None, (last.rstrip(), *told)))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def printable(text: str) -> str:
    """The text as any file can hold it: half a surrogate, as in an error about a file name, cannot be encoded."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def shorten(text: str, limit: int = EVIDENCE_CHARACTERS) -> str:
    """The beginning and the end of a text, at most `limit` characters; what was left out is counted in between."""
    if len(text) <= limit:
        return text
    half = (limit - 40) // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters …]\n{text[-half:]}"
