"""Never answers."""

from __future__ import annotations

import threading

from well_behaved import clients, in_a_trial, tell_that_it_began


def misbehave(question: str) -> None:
    if in_a_trial(question):
        tell_that_it_began()
        threading.Event().wait()


AsyncOpenAI, OpenAI = clients(misbehave)
