"""What is instrumented. A detector is one file in this folder and one row here."""

from __future__ import annotations

from typing import Final

from diagnostics.sanitizer.capture.detectors import (
    aiohttp,
    httpcore,
    httpx,
    locks,
    loops,
    observed,
    sdks,
    speakeasy,
    transports,
)
from diagnostics.sanitizer.capture.patching import Patch

DETECTORS: Final[dict[str, list[Patch]]] = {
    "loops": loops.PATCHES,
    "transports": transports.PATCHES,
    "observed": observed.PATCHES,
    "locks": locks.PATCHES,
    "httpx": httpx.PATCHES,
    "httpcore": httpcore.PATCHES,
    "sdks": sdks.PATCHES,
    "speakeasy": speakeasy.PATCHES,
    "aiohttp": aiohttp.PATCHES,
}
