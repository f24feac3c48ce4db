"""The jet analysis with any strategy, against the local provider or another endpoint, under the sanitizer.

Needs the extra `jets`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from diagnostics import async_tools, sanitizer
from diagnostics.jets.analysis import run_llm_analysis
from diagnostics.jets.classifier import NO_KEY
from diagnostics.jets.data import Jets
from diagnostics.jets.outcome import StrategyResult
from diagnostics.jets.program import JetEndpoint
from diagnostics.lab.server import ProviderServer

LOCAL_MODEL: Final = "jet-classifier"
PLANS_MODEL: Final = "openai/gpt-oss-120b"


@contextlib.contextmanager
def open_endpoint(
    base_url: str | None, model: str | None, retries: int
) -> Iterator[tuple[JetEndpoint, ProviderServer | None]]:
    """The endpoint of a URL, whose key is in OPENAI_API_KEY; without one, a local provider for as long as the block."""
    if base_url is not None:
        key = os.environ.get("OPENAI_API_KEY") or NO_KEY
        yield JetEndpoint(base_url, model or PLANS_MODEL, key, retries), None
        return
    with ProviderServer() as server:
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(server.ca_file)
        try:
            yield JetEndpoint(server.url, model or LOCAL_MODEL, retries=retries), server
        finally:
            del os.environ["SSL_CERT_FILE"]
            if before is not None:
                os.environ["SSL_CERT_FILE"] = before


def run_strategy(
    strategy: str,
    sample: Jets,
    endpoint: JetEndpoint,
    server: ProviderServer | None,
    *,
    templates: Sequence[str],
    efforts: Sequence[str],
    concurrency: int,
) -> StrategyResult:
    """One strategy, instrumented from its first client to the collection at its end."""
    if server is not None:  # the path carries the name under which the server counts
        endpoint = replace(endpoint, base_url=server.trial_url(strategy) + "/openai/v1")
    with _logged() as logged, sanitizer.watch() as findings:
        analysis = run_llm_analysis(
            sample,
            endpoint,
            templates=templates,
            efforts=efforts,
            strategy=strategy,
            concurrency=concurrency,
            verbose=True,
        )
        async_tools.shutdown()
        # The end of the program that the strategy stands for: what it left is freed here, and not in the next one.
        asyncio.set_event_loop(None)
        gc.collect()
    return StrategyResult(analysis, server.account(strategy).requests if server else None, logged, findings)


@contextlib.contextmanager
def _logged() -> Iterator[Counter[str]]:
    """What asyncio logs, counted in place of being printed."""
    counts: Counter[str] = Counter()

    class Counting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            counts[f"{type(error).__name__}: {error}" if error else record.getMessage().splitlines()[0]] += 1

    logger, handler = logging.getLogger("asyncio"), Counting(logging.WARNING)
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False
    try:
        yield counts
    finally:
        logger.propagate = before
        logger.removeHandler(handler)
