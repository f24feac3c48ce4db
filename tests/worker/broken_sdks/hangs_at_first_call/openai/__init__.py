"""Never answers the first call."""

from __future__ import annotations

import threading

from well_behaved import clients, tell_that_it_began


def misbehave(question: str) -> None:
    tell_that_it_began()
    threading.Event().wait()


AsyncOpenAI, OpenAI = clients(misbehave)
