"""Dies of a signal at the first call."""

from __future__ import annotations

import os
import signal

from well_behaved import clients


def misbehave(question: str) -> None:
    os.write(2, b"assertion failed in foo.c\n")
    os.kill(os.getpid(), signal.SIGABRT)


AsyncOpenAI, OpenAI = clients(misbehave)
