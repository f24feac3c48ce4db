"""Measures this project: `python -m benchmarks PART` from a clone. Not part of the wheel."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
"""The clone: what a process has to have on its path to import this package."""
