"""Ends the process with status 0 in the middle of everything."""

from __future__ import annotations

import os

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        os._exit(0)


AsyncOpenAI, OpenAI = clients(misbehave)
