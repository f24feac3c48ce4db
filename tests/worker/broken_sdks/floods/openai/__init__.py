"""Prints far more than anybody wants to keep."""

from __future__ import annotations

import contextlib
import os

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        with contextlib.suppress(OSError):
            while True:
                os.write(1, b"all work and no play makes Jack a dull boy\n" * 2000)


AsyncOpenAI, OpenAI = clients(misbehave)
