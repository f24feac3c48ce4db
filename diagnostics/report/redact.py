"""Takes secrets and names out of a text; what the reports call it. See `diagnostics.redaction`."""

from __future__ import annotations

from diagnostics.redaction import Secrets, redact

__all__ = ["Secrets", "redact"]
