"""Raises an exception with half a surrogate in its text, as those about file names have."""

from __future__ import annotations

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        raise OSError("no such file: \udcff")


AsyncOpenAI, OpenAI = clients(misbehave)
