"""Leaves a process that goes on when the trial has ended, with all of its descriptors, and says which."""

from __future__ import annotations

import os
import time

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question):
        child = os.fork()
        if child == 0:
            time.sleep(3600)
            os._exit(0)
        os.write(2, f"left {child}\n".encode())


AsyncOpenAI, OpenAI = clients(misbehave)
