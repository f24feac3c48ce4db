"""Leaves a thread that the interpreter waits for."""

from __future__ import annotations

import threading

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        threading.Thread(target=threading.Event().wait).start()


AsyncOpenAI, OpenAI = clients(misbehave)
