"""What the documents that this project comes from claim, and what was measured: one row a claim.

Each row holds a pure predicate over the view. "Cannot tell" is an answer of its own: it is given where the run holds
nothing that could decide, and never folded into the other two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from diagnostics.report.view import checks
from diagnostics.report.view.checks import CheckResult
from diagnostics.report.view.view_models import View

PITFALL: Final = "the note on the pitfall of repeated runs"
PLAN: Final = "the debugging plan"
CLEANUP: Final = "the note on cleaning up the client"


@dataclass(frozen=True)
class Claim:
    """A claim in our words, the document it is from, and what decides it."""

    name: str
    document: str
    says: str
    check: Callable[[View], CheckResult]


@dataclass(frozen=True)
class Checked:
    """A claim with what was measured; `answer` is one of `checks.ANSWERS`."""

    name: str
    document: str
    says: str
    answer: str
    measured: str


CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        "background-loop-ends-it",
        PITFALL,
        "One loop kept alive in a background thread ends the error, whichever provider is used.",
        checks.ends_error("background-loop"),
    ),
    Claim(
        "single-run-ends-it",
        PITFALL,
        "Doing everything inside one single run of the loop ends the error, whichever provider is used.",
        checks.ends_error("single-run"),
    ),
    Claim(
        "repeated-run-provokes-it",
        PITFALL,
        "Entering asyncio.run more than once in a process is enough to provoke the error.",
        checks.provokes("repeated-run"),
    ),
    Claim(
        "client-per-request",
        PITFALL,
        "The SDKs make a new HTTP client for every request.",
        checks.new_connection_each_call,
    ),
    Claim(
        "openai-retries-quietly",
        PITFALL,
        "OpenAI's library hides the error behind a quiet retry.",
        checks.shows_only("openai", "retried"),
    ),
    Claim(
        "gemini-raises",
        PITFALL,
        "Gemini's library lets the error through, and the second call fails.",
        checks.shows_only("google-genai", "raised"),
    ),
    Claim(
        "touches-a-closed-loop",
        PITFALL,
        "The error comes from a client that closes its sockets after their loop is gone.",
        checks.touches_closed_loop,
    ),
    Claim(
        "instance-loop-fails",
        PLAN,
        "A loop kept by each object, with a client made on first use, does not end the error.",
        checks.leaves_error("instance-loop"),
    ),
    Claim("never-close-ends-it", PLAN, "Never closing the loop may end the error.", checks.ends_error("never-close")),
    Claim(
        "global-loop-ends-it",
        PLAN,
        "One global loop for all objects may end the error.",
        checks.ends_error("global-loop"),
    ),
    Claim(
        "context-manager-ends-it",
        PLAN,
        "A fresh run whose client is closed by a context manager may end the error.",
        checks.ends_error("context-manager"),
    ),
    Claim("sync-ends-it", PLAN, "Going synchronous ends the error.", checks.ends_error("sync-client")),
    Claim(
        "newer-versions-end-it", PLAN, "Updating the SDK and the HTTP library may end the error.", checks.newer_versions
    ),
    Claim(
        "aiohttp-ends-it", PLAN, "aiohttp in place of httpx may end the error.", checks.ends_error("aiohttp-transport")
    ),
    Claim(
        "context-manager-no-errors",
        CLEANUP,
        "With the context manager asyncio reports no more errors.",
        checks.ends_error("context-manager"),
    ),
    Claim(
        "context-manager-no-leak",
        CLEANUP,
        "With the context manager nothing is left open.",
        checks.leaves_nothing_open("context-manager"),
    ),
    Claim(
        "context-manager-no-overhead",
        CLEANUP,
        "The context manager costs no time.",
        checks.as_fast_as_baseline("context-manager"),
    ),
    Claim(
        "context-manager-better-pooling",
        CLEANUP,
        "The context manager makes better use of the connection pool.",
        checks.fewer_connections("context-manager"),
    ),
)


def check_claims(view: View) -> tuple[Checked, ...]:
    """Every claim with what this run says of it, in the order of the table."""
    answers = [(claim, claim.check(view)) for claim in CLAIMS]
    return tuple(
        Checked(claim.name, claim.document, claim.says, answer.word, answer.measured) for claim, answer in answers
    )
