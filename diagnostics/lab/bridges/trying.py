"""Asks every bridge every question, each in a process of its own, and writes the answers down as a table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from diagnostics.lab.bridges import BRIDGES
from diagnostics.lab.bridges.behaviours import BEHAVIOURS
from diagnostics.lab.bridges.behaviours.behaviour import LIMIT, Ended

Answers = Mapping[tuple[str, str], str]
"""Question and bridge to the answer."""


def ask(question: str, bridge: str) -> str:
    """One answer, from a new interpreter."""
    behaviour = BEHAVIOURS[question]
    flags = ("-X", "dev") if behaviour.untold else ()
    command = [sys.executable, *flags, "-m", "diagnostics.lab.bridges", question, bridge]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, err = process.communicate(timeout=LIMIT)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            code = None
    return behaviour.judge(Ended(code, out, err))


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
