"""`openai`: chat completions, async and sync."""

from __future__ import annotations

from diagnostics.experiment.stainless_chat import StainlessChat

PROVIDER = StainlessChat("openai")
