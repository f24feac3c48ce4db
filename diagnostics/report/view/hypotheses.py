"""How often what people believe about causes and fixes was borne out in a run; the beliefs are in `hypotheses.toml`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

import tomllib

from diagnostics.report.view import checks
from diagnostics.report.view.checks import Measurement
from diagnostics.report.view.view_models import View


@dataclass(frozen=True)
class Hypothesis:
    """A belief in one sentence, and what measures it."""

    name: str
    says: str
    check: Callable[[View], Measurement]


def _row(name: str, says: str, check: str, of: list[str] | None = None) -> Hypothesis:
    measure: Any = getattr(checks, check)
    return Hypothesis(name, says, measure if of is None else measure(*of))


_ROWS: Final = files("diagnostics.report.view").joinpath("hypotheses.toml").read_text("utf-8")
HYPOTHESES: Final = tuple(_row(**row) for row in tomllib.loads(_ROWS)["hypothesis"])


def hypothesis_rates(view: View) -> tuple[tuple[Hypothesis, Measurement], ...]:
    """Every hypothesis with its rate in this run, in the order of the table."""
    return tuple((each, each.check(view)) for each in HYPOTHESES)
