"""What people believe about causes and fixes, and how often this run bore it out: one row for each hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from diagnostics.report.view import checks
from diagnostics.report.view.checks import Measurement
from diagnostics.report.view.view_models import View


@dataclass(frozen=True)
class Hypothesis:
    """A belief in one sentence, and what measures it."""

    name: str
    says: str
    check: Callable[[View], Measurement]


HYPOTHESES: Final = (
    Hypothesis(
        "background-loop-ends-it",
        "One loop in a background thread ends the error.",
        checks.ends_error("background-loop"),
    ),
    Hypothesis("single-run-ends-it", "A single run of the loop ends the error.", checks.ends_error("single-run")),
    Hypothesis("global-loop-ends-it", "One global loop ends the error.", checks.ends_error("global-loop")),
    Hypothesis(
        "instance-loop-ends-it",
        "One loop per object, with a client created on first use, ends the error.",
        checks.ends_error("instance-loop"),
    ),
    Hypothesis("never-close-ends-it", "Never closing the loop ends the error.", checks.ends_error("never-close")),
    Hypothesis("sync-ends-it", "Synchronous clients end the error.", checks.ends_error("sync-client")),
    Hypothesis("aiohttp-ends-it", "aiohttp in place of httpx ends the error.", checks.ends_error("aiohttp-transport")),
    Hypothesis("newer-versions-end-it", "Newer releases end the error.", checks.newer_versions),
    Hypothesis(
        "context-manager-ends-it",
        "A client per run, closed by a context manager, ends the error.",
        checks.ends_error("context-manager"),
    ),
    Hypothesis(
        "context-manager-no-leak",
        "The context manager leaves nothing open.",
        checks.leaves_nothing_open("context-manager"),
    ),
    Hypothesis(
        "context-manager-no-overhead",
        "The context manager costs no time.",
        checks.as_fast_as_baseline("context-manager"),
    ),
    Hypothesis(
        "context-manager-better-pooling",
        "The context manager needs fewer connections.",
        checks.fewer_connections("context-manager"),
    ),
    Hypothesis(
        "repeated-run-provokes-it",
        "Calling asyncio.run more than once is enough to provoke the error.",
        checks.provokes("repeated-run"),
    ),
    Hypothesis(
        "touches-a-closed-loop",
        "The error comes from closing a connection after its loop has closed.",
        checks.touches_closed_loop,
    ),
    Hypothesis("connection-per-call", "SDKs open a new connection for every call.", checks.new_connection_each_call),
    Hypothesis(
        "openai-sends-twice",
        "The OpenAI SDK hides the error by sending the request again.",
        checks.shows_only("openai", "retried"),
    ),
    Hypothesis("gemini-raises", "The Gemini SDK raises the error.", checks.shows_only("google-genai", "raised")),
)


def hypothesis_rates(view: View) -> tuple[tuple[Hypothesis, Measurement], ...]:
    """Every hypothesis with its rate in this run, in the order of the table."""
    return tuple((each, each.check(view)) for each in HYPOTHESES)
