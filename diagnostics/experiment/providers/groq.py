"""`groq`: chat completions, async and sync. The service speaks OpenAI's wire format."""

from __future__ import annotations

from diagnostics.experiment.stainless_chat import StainlessChat

PROVIDER = StainlessChat("groq")
