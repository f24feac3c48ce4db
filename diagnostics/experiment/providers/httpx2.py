"""`httpx2`: the bare client of the second generation (httpcore2, anyio)."""

from __future__ import annotations

from diagnostics.experiment.bare_http import BareHTTP

PROVIDER = BareHTTP("httpx2", "Httpx2AiohttpClient")
