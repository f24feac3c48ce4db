"""Raises SystemExit."""

from __future__ import annotations

import sys

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        sys.exit("no licence found")


AsyncOpenAI, OpenAI = clients(misbehave)
