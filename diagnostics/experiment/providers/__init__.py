"""The table of providers: one file a provider, one row here."""

from __future__ import annotations

from typing import Final

from diagnostics.experiment.provider import Provider
from diagnostics.experiment.providers import (
    anthropic,
    asyncpg,
    google_genai,
    groq,
    httpx,
    httpx2,
    mistralai,
    openai,
    redis,
)

PROVIDERS: Final[dict[str, Provider]] = {
    "openai": openai.PROVIDER,
    "anthropic": anthropic.PROVIDER,
    "google-genai": google_genai.PROVIDER,
    "httpx": httpx.PROVIDER,
    "httpx2": httpx2.PROVIDER,
    "groq": groq.PROVIDER,
    "mistralai": mistralai.PROVIDER,
    "redis": redis.PROVIDER,
    "asyncpg": asyncpg.PROVIDER,
}
