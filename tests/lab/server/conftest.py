"""No test may fail because the machine is busy: hypothesis's deadline is a wall clock."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")
