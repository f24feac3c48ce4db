"""`no-keepalive`: the pool keeps no idle connection."""

from __future__ import annotations

from dataclasses import replace

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.provider import ClientOptions


class NoKeepalive(Fix):
    """`Limits(max_keepalive_connections=0)`: nothing is left in the pool for a later loop to find."""

    name = "no-keepalive"
    trade_off = "one line and no restructuring; every single call pays for a connection and a TLS handshake"

    def options(self) -> ClientOptions:
        """Without idle connections."""
        return replace(super().options(), keepalive=False)


FIX = NoKeepalive
