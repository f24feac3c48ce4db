"""`aiohttp-transport`: the provider's own aiohttp transport in place of httpx's."""

from __future__ import annotations

from dataclasses import replace

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.provider import ClientOptions


class AiohttpTransport(Fix):
    """The same program over another HTTP library."""

    name = "aiohttp-transport"
    trade_off = "an installation option instead of a change to the program; it changes which way it fails, if it does"

    def options(self) -> ClientOptions:
        """Over aiohttp."""
        return replace(super().options(), transport="aiohttp")


FIX = AiohttpTransport
