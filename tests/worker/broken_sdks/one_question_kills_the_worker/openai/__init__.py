"""Takes its parent with it, but only where a second run asks."""

from __future__ import annotations

import os
import signal

from well_behaved import clients, in_a_trial


def misbehave(question: str) -> None:
    if in_a_trial(question) and not question.startswith("run 0"):
        os.kill(os.getppid(), signal.SIGKILL)


AsyncOpenAI, OpenAI = clients(misbehave)
