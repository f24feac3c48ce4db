"""What the host asks a worker for."""

from __future__ import annotations

import os
from dataclasses import dataclass

from diagnostics.model.cell import Load
from diagnostics.model.event import EVENTS_SUFFIX

HARNESS_FAILED = 70
"""Exit status of a trial that could not even write down what happened, say because the disk is full (EX_SOFTWARE)."""


@dataclass(frozen=True)
class TrialRequest:
    """One trial for a worker to run; one JSON object on the wire.

    Attributes:
        key: of the trial; names its files in `folder`.
        url: base URL of this trial on the provider server.
        timeout: seconds until the trial counts as hanging.
        memory: bytes of address space the trial may use; 0 is no limit.
        loop: loop implementation, `asyncio` or `uvloop`.
        instrumented: whether the sanitizer is on.
        events: whether a instrumented trial also writes its events down, in their order.
        timeline: whether connections and stacks are among them.
    """

    key: str
    provider: str
    scenario: str
    fix: str
    load: Load
    url: str
    folder: str
    timeout: float
    memory: int = 0
    loop: str = "asyncio"
    cold: bool = False
    instrumented: bool = False
    events: bool = False
    timeline: bool = False

    @property
    def result_file(self) -> str:
        return os.path.join(self.folder, f"{self.key}.json")

    @property
    def output_file(self) -> str:
        return os.path.join(self.folder, f"{self.key}.out")

    @property
    def events_file(self) -> str:
        return os.path.join(self.folder, self.key + EVENTS_SUFFIX)
