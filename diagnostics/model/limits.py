"""What a trial may use; the same defaults for runs, phases, searches and benchmarks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a trial and of what has to happen before it; times are in seconds.

    A command that changes one of them changes it for all of its trials: a symptom such as `hang` can only be compared
    between trials with the same limits.

    Attributes:
        timeout: a trial that takes longer counts as hanging.
        first_call: a provider's first call in a worker, imports included.
        preparing: an environment that must be downloaded and built.
        memory: bytes of address space of a trial; 0 is no limit.
    """

    timeout: float = 30.0
    first_call: float = 60.0
    preparing: float = 600.0
    memory: int = 8 * 2**30
