"""Prints bytes that are no text, and no end of line."""

from __future__ import annotations

import os

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        os.write(2, b"\xff\xfe\x00rubbish\xed\xa0\x80")


AsyncOpenAI, OpenAI = clients(misbehave)
