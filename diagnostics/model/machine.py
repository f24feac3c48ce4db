"""The machine that a run or a phase was made on: nothing that names it."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostics.model.field_types import Text, Version


@dataclass(frozen=True)
class Machine:
    """System, number of processors (`None` where it is not one number) and the Python that the tool ran on."""

    system: Text
    cpus: int | None
    python: Version
