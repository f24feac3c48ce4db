"""Takes more memory than any trial is given."""

from __future__ import annotations

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        kept = [bytes(2**24)]
        while True:
            kept.append(bytes(2**24))


AsyncOpenAI, OpenAI = clients(misbehave)
