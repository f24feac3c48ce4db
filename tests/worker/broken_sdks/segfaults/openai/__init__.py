"""Dies of a signal, as C code does."""

from __future__ import annotations

import os
import signal

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        os.kill(os.getpid(), signal.SIGSEGV)


AsyncOpenAI, OpenAI = clients(misbehave)
