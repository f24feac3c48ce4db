"""Public issues about clients that outlive their loop, and the fingerprint by which a trial is recognised as one.

Every row was looked at on `CHECKED`; `read` says how: the thread itself, or as another thread cites it. A fingerprint
is a pure predicate over one trial. That it matches says that the trial shows what the issue describes, not that the
releases named there are the ones that ran: `affected` is what the thread says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from diagnostics.model.trial import Trial

CHECKED: Final = "2026-11-22"
"""The day on which the rows were last compared with the threads."""

Fingerprint = Callable[[Trial], bool]


@dataclass(frozen=True)
class KnownIssue:
    """One thread.

    Attributes:
        title: what it is about, in our words.
        affected: releases, as the thread names them.
        outcome: what became of it, as of `CHECKED`.
        matches: the fingerprint.
        read: `thread`, or `cited` where only another thread or note about it was read.
    """

    url: str
    title: str
    affected: str
    outcome: str
    matches: Fingerprint
    read: str = "thread"

    @property
    def name(self) -> str:
        """Such as `openai-python #1254`."""
        parts = self.url.removeprefix("https://github.com/").split("/")
        return f"{parts[1]} #{parts[3]}"


_SDKS = ("openai", "anthropic")
_ALL = (*_SDKS, "google-genai", "httpx", "httpx2")


def finaliser_on_another_loop(providers: Collection[str], scenarios: Collection[str] = ()) -> Fingerprint:
    """A client's `__del__` starts `aclose()` on whatever loop runs, and the task dies on the closed one."""

    def fits(trial: Trial) -> bool:
        return _about(trial, providers, scenarios) and _said(
            trial, "Task exception was never retrieved", "aclose", "Event loop is closed"
        )

    return fits


def raised_on_reuse(providers: Collection[str], scenarios: Collection[str] = ()) -> Fingerprint:
    """A pooled connection of a closed loop is used by the next one, and the call raises."""

    def fits(trial: Trial) -> bool:
        return (
            _about(trial, providers, scenarios) and trial.symptom == "raised" and _said(trial, "Event loop is closed")
        )

    return fits


def retried_on_reuse(providers: Collection[str]) -> Fingerprint:
    """The same, but the SDK's own retry hides it: nothing is raised, and the server is asked again."""

    def fits(trial: Trial) -> bool:
        return _about(trial, providers) and trial.symptom == "retried"

    return fits


def bound_elsewhere(providers: Collection[str]) -> Fingerprint:
    """A lock or event of the pool belongs to another loop that is still open."""

    def fits(trial: Trial) -> bool:
        return _about(trial, providers) and _said(trial, "bound to a different event loop")

    return fits


def hangs(providers: Collection[str], scenarios: Collection[str]) -> Fingerprint:
    """A call waits for something that no live loop will do."""

    def fits(trial: Trial) -> bool:
        return _about(trial, providers, scenarios) and trial.symptom == "hang"

    return fits


def silent_leak(providers: Collection[str]) -> Fingerprint:
    """Nothing is said, and connections of clients that nobody closed stay open."""

    def fits(trial: Trial) -> bool:
        return _about(trial, providers) and trial.symptom == "none" and trial.accounting.fds_left > 0

    return fits


def says(*words: str, providers: Collection[str] = _ALL) -> Fingerprint:
    """The output or the exception holds all of these."""

    def fits(trial: Trial) -> bool:
        return _about(trial, providers) and _said(trial, *words)

    return fits


def either(*fingerprints: Fingerprint) -> Fingerprint:
    """Any of several."""
    return lambda trial: any(fits(trial) for fits in fingerprints)


def _about(trial: Trial, providers: Collection[str], scenarios: Collection[str] = ()) -> bool:
    return (
        trial.status == "ran"
        and trial.cell.provider in providers
        and (not scenarios or trial.cell.scenario in scenarios)
    )


def _said(trial: Trial, *words: str) -> bool:
    return trial.evidence is not None and all(word in trial.evidence for word in words)


_GITHUB = "https://github.com"

KNOWN_ISSUES: Final[tuple[KnownIssue, ...]] = (
    KnownIssue(
        f"{_GITHUB}/openai/openai-python/issues/1254",
        "Clients made in short-lived loops one after the other: the finaliser's aclose() meets a closed loop",
        "openai 1.x with httpx on Windows; the thread names no first release",
        "closed; explicit closing or a context manager is the advice",
        finaliser_on_another_loop(("openai",)),
    ),
    KnownIssue(
        f"{_GITHUB}/openai/openai-python/issues/2440",
        "The finaliser starts a task on the loop of whichever thread the collector runs in",
        "openai 1.93.0 named",
        "closed 2026-09 in favour of explicit cleanup of async clients",
        finaliser_on_another_loop(("openai",)),
    ),
    KnownIssue(
        f"{_GITHUB}/openai/openai-python/issues/1059",
        "The first use of a client in a second asyncio.run fails, a retry of the same call succeeds",
        "openai 1.x, January 2024",
        "closed",
        either(raised_on_reuse(("openai",), ("repeated-run",)), retried_on_reuse(("openai",))),
    ),
    KnownIssue(
        f"{_GITHUB}/openai/openai-python/issues/1777",
        "One client shared by async tests, each with a loop of its own: APIConnectionError",
        "openai 1.x, October 2024",
        "closed",
        either(raised_on_reuse(("openai",), ("repeated-run",)), says("APIConnectionError", providers=("openai",))),
    ),
    KnownIssue(
        f"{_GITHUB}/openai/openai-python/issues/769",
        "Calls of one client from the loops of several threads block each other until they time out",
        "openai 1.x, November 2023",
        "open",
        hangs(("openai",), ("threads",)),
    ),
    KnownIssue(
        f"{_GITHUB}/anthropics/anthropic-sdk-python/issues/807",
        "The finaliser starts aclose() even for a client that is closed, on a loop that may be another one",
        "anthropic before the release of January 2025 that checks is_closed; what is left open still does it",
        "closed, fixed for clients that were closed",
        finaliser_on_another_loop(("anthropic",)),
    ),
    KnownIssue(
        f"{_GITHUB}/googleapis/python-genai/issues/1518",
        "Two asyncio.run over one client raise where an older release did not",
        "google-genai 1.43.0 named, 1.31.0 without it",
        "closed, a fix is named there in November 2025",
        raised_on_reuse(("google-genai",), ("repeated-run",)),
    ),
    KnownIssue(
        f"{_GITHUB}/googleapis/python-genai/issues/1709",
        "Finalisers leave aclose() tasks behind that are destroyed while pending",
        "google-genai with AsyncClient.__del__, November 2025",
        "as cited by pull request 1724",
        says("Task was destroyed but it is pending", providers=("google-genai",)),
        read="cited",
    ),
    KnownIssue(
        f"{_GITHUB}/googleapis/python-genai/issues/1014",
        "With aiohttp each call reports a session that was not closed",
        "google-genai 1.21.0 and 1.21.1 named, 1.20 without it",
        "open",
        says("Unclosed client session", providers=("google-genai",)),
    ),
    KnownIssue(
        f"{_GITHUB}/encode/httpx/issues/2473",
        "One AsyncClient over several asyncio.run: every run after the first raises",
        "httpx, November 2022; by design",
        "open; the maintainers advise one loop, or a client for each",
        raised_on_reuse(("httpx", "httpx2"), ("repeated-run",)),
    ),
    KnownIssue(
        f"{_GITHUB}/encode/httpx/issues/2058",
        "AsyncClient cannot be used by several event loops, also not by those of several threads",
        "httpx, February 2022; by design",
        "closed",
        either(raised_on_reuse(("httpx", "httpx2")), bound_elsewhere(("httpx", "httpx2"))),
    ),
    KnownIssue(
        f"{_GITHUB}/encode/httpx/issues/871",
        "Nothing tells of an AsyncClient that was never closed",
        "httpx, March 2020",
        "closed",
        silent_leak(("httpx", "httpx2")),
    ),
    KnownIssue(
        f"{_GITHUB}/encode/httpcore/issues/525",
        "The pool closes expired connections of an earlier loop in the middle of the next loop's call",
        "httpcore 0.14.7 named",
        "open",
        either(
            raised_on_reuse(_ALL, ("keepalive-expired",)),
            says("connection_pool.py", "_close_connections", "handle_async_request", "Event loop is closed"),
        ),
    ),
    KnownIssue(
        f"{_GITHUB}/pydantic/httpx2/issues/728",
        "The same as httpx #2473, carried over",
        "httpx2, May 2026; by design",
        "closed",
        raised_on_reuse(("httpx2",), ("repeated-run",)),
    ),
    KnownIssue(
        f"{_GITHUB}/pydantic/pydantic-ai/issues/748",
        "A cached HTTP client meets the loop of the next run_sync or asyncio.run",
        "pydantic-ai with Gemini, 2025",
        "open",
        raised_on_reuse(("google-genai", "httpx", "httpx2"), ("repeated-run",)),
    ),
    KnownIssue(
        f"{_GITHUB}/pydantic/pydantic-ai/issues/3240",
        "An event of the pool is bound to another loop that is still open",
        "pydantic-ai 1.4.0 named, 1.1.0 without it; google-genai beneath",
        "open",
        bound_elsewhere(_ALL),
    ),
    KnownIssue(
        f"{_GITHUB}/langchain-ai/langchain/issues/35783",
        "A client cached for the whole process is shared by the loops of several threads",
        "langchain-openai, March 2026",
        "open",
        either(raised_on_reuse(_SDKS, ("threads", "repeated-run")), bound_elsewhere(_SDKS)),
    ),
    KnownIssue(
        f"{_GITHUB}/run-llama/llama_index/issues/20433",
        "A client for each call, never closed: finalisers of earlier ones fail while the next loop runs",
        "llama-index with reuse_client=False, December 2025",
        "closed",
        finaliser_on_another_loop(("openai",), ("sequential-classifiers", "unclosed-in-coroutine", "gc-inside-run")),
    ),
    KnownIssue(
        f"{_GITHUB}/confident-ai/deepeval/issues/3120",
        "A client for each call and an asyncio.run for each call: the collector reports the earlier ones",
        "deepeval, August 2026",
        "open",
        finaliser_on_another_loop(("openai",), ("sequential-classifiers", "unclosed-in-coroutine")),
    ),
    KnownIssue(
        f"{_GITHUB}/BerriAI/litellm/issues/7667",
        "A cached client is used on two loops: closed, or bound to a different one",
        "litellm, January 2025",
        "closed",
        either(raised_on_reuse(("httpx", "httpx2"), ("repeated-run",)), bound_elsewhere(("httpx", "httpx2"))),
    ),
    KnownIssue(
        f"{_GITHUB}/BerriAI/litellm/issues/15294",
        "A module-level async client is used by the loops of several threads",
        "litellm with watsonx, October 2025",
        "open",
        bound_elsewhere(("openai", "httpx", "httpx2")),
    ),
    KnownIssue(
        f"{_GITHUB}/pydantic/pydantic-ai/issues/6436",
        "A call hangs until its timeout on a connection that was kept from another loop",
        "pydantic-ai with anthropic, July 2026",
        "closed",
        hangs(("anthropic", "httpx", "httpx2"), ("repeated-run", "threads")),
    ),
    KnownIssue(
        f"{_GITHUB}/python/cpython/issues/130141",
        "A transport that was finalised and then brought back closes a descriptor that is another connection's by then:"
        " the loop stops watching that one, and its call hangs",
        "every Python with selector loops, February 2025",
        "open",
        hangs(_SDKS, ("sequential-classifiers", "gc-inside-run", "beam-search", "unclosed-in-coroutine")),
    ),
    KnownIssue(
        f"{_GITHUB}/python/cpython/issues/109538",
        "StreamWriter's finaliser raises where the loop is closed already",
        "Python 3.11.5",
        "closed",
        says("StreamWriter.__del__", "Event loop is closed"),
    ),
    KnownIssue(
        f"{_GITHUB}/python/cpython/issues/80890",
        "TLS connections that are kept alive raise once their loop has been closed",
        "Python before 3.11, labelled so",
        "closed in March 2022",
        says("sslproto.py", "Event loop is closed"),
    ),
)


def matching(trials: Sequence[Trial]) -> list[tuple[KnownIssue, list[Trial]]]:
    """The issues that some of the trials show, each with those trials; in the order of the table."""
    found = [(issue, [trial for trial in trials if issue.matches(trial)]) for issue in KNOWN_ISSUES]
    return [(issue, shown) for issue, shown in found if shown]
