"""Asks every bridge every question, each in a process of its own, and writes the answers down as a table."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Final

from benchmarks import ROOT
from benchmarks.bridges import BRIDGES
from benchmarks.bridges.behaviours import BEHAVIOURS
from benchmarks.bridges.behaviours.behaviour import ASK_WHERE, LIMIT, Ended
from diagnostics.lab.execution.outcome import innermost

Answers = Mapping[tuple[str, str], str]
"""Question and bridge to the answer."""

BASELINE: Final = "async_tools"
"""The bridge that hangs at no question: what it takes the same question tells how fast this machine is just now."""

BASELINE_LIMIT: Final = 120.0
"""Seconds after which the baseline itself is wrong."""


def ask(question: str, bridge: str) -> str:
    """One answer, from a new interpreter.

    A process hangs that has not ended after `LIMIT` seconds, nor by the time that a baseline, started then, has ended.
    So neither a busy machine nor a stop of the asking process makes one.

    Raises:
        subprocess.TimeoutExpired: the baseline did not end either.
    """
    behaviour = BEHAVIOURS[question]
    with _start(question, bridge) as process:
        try:
            out, err = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            _run_baseline(question)
            try:
                out, err = process.communicate(timeout=1)  # at once, if it has ended
            except subprocess.TimeoutExpired:
                out, err = _kill(process)
                return f"{behaviour.judge(Ended(None, out, err))}: {innermost(err)}"
    return behaviour.judge(Ended(process.returncode, out, err))


def _start(question: str, bridge: str) -> subprocess.Popen[str]:
    flags = ("-X", "dev") if BEHAVIOURS[question].untold else ()
    command = [sys.executable, *flags, "-m", "benchmarks.bridges", question, bridge]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def _run_baseline(question: str) -> None:
    with _start(question, BASELINE) as baseline:
        try:
            baseline.communicate(timeout=BASELINE_LIMIT)
        except subprocess.TimeoutExpired:
            baseline.kill()
            raise


def _kill(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Ends what hangs. On standard error, where there are signals, it first told where each of its threads was."""
    if ASK_WHERE is not None:
        process.send_signal(ASK_WHERE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
    process.kill()
    return process.communicate()


def ask_all(jobs: int, told: Callable[[str], None] = lambda _: None) -> Answers:
    """Every answer there is."""
    pairs = list(product(BEHAVIOURS, BRIDGES))

    def one(pair: tuple[str, str]) -> str:
        answer = ask(*pair)
        told(f"{pair[0]}, {pair[1]}: {answer}")
        return answer

    with ThreadPoolExecutor(jobs) as pool:
        return dict(zip(pairs, pool.map(one, pairs), strict=True))


def table(answers: Answers) -> str:
    """The answers in Markdown: a row a question, a column a bridge."""
    lines = ["| | " + " | ".join(BRIDGES) + " |", "| --- |" + " --- |" * len(BRIDGES)]
    for question, behaviour in BEHAVIOURS.items():
        cells = (sign(answers[question, bridge]) for bridge in BRIDGES)
        lines.append(f"| {behaviour.question} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def sign(answer: str) -> str:
    """An answer as a cell of the table."""
    word = answer.partition(":")[0]
    if word in ("yes", "no"):
        return "✅" if word == "yes" else "❌"
    return f"❌ {word}" if word in ("hangs", "fails") or word.startswith("dies") else word
