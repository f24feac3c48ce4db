"""`httpx`: the bare client of the first generation (httpcore, anyio)."""

from __future__ import annotations

from diagnostics.experiment.bare_http import BareHTTP

PROVIDER = BareHTTP("httpx", "HttpxAiohttpClient")
