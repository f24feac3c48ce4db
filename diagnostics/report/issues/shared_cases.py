"""What several projects have in common: a case told with the name of each one's own client, a form, an answer."""

from __future__ import annotations

from typing import Final

from diagnostics.report.issues.issue_model import Case, Field

DISCUSSED: Final = (
    Field("", boxes=("Initially raised as discussion #...",)),
    Field("What happens", ("what", "whose", "expected", "actual")),
    Field("Script", ("steps", "script", "output")),
    Field("Versions", ("system", "python", "versions")),
    Field("Where else, and what helps", ("matrix", "timeline", "fix", "made")),
)
"""The form of the projects that begin with a discussion, whose number the issue then names."""

CHAT_COMPLETION: Final = """{
    "id": "1",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "pong"}},
    ],
}"""
"""The server's answer where the client is OpenAI's, as Python."""

SENT_AND_LOST = (
    "the requests are written and reach the server, then reading the answer raises, and closing the connection raises "
    "again, so no caller gets an answer."
)


def kept_over_runs(client: str, then: str, *, title: str, whose: str, template: str = "repeated_run") -> Case:
    """One client in two calls of `asyncio.run`; `then` says what comes of the requests of the second."""
    return Case(
        scenario="repeated-run",
        template=template,
        title=title,
        what=(
            f"One `{client}` is used in two calls of `asyncio.run`. Its pool hands the second run connections that "
            f"belong to the first loop, which is closed by then: {then}"
        ),
        expected=(
            "Either the second run works, on connections of its own, or the first call in it raises an error that "
            "says that the client belongs to another loop, before anything is sent."
        ),
        whose=whose,
    )


def collected_in_run(client: str) -> Case:
    """A client that the collector frees while another loop runs, and whose `__del__` starts `aclose()` there."""
    return Case(
        scenario="gc-inside-run",
        template="collected_in_run",
        title=f"{client}.__del__ starts aclose() on whichever loop runs, and fails on connections of a closed one",
        what=(
            f"An `{client}` is collected while another event loop runs. Its `__del__` schedules `aclose()` on the "
            "running loop, but its connections belong to the loop that opened them, which is closed by then. asyncio "
            "logs 'Task exception was never retrieved' where no caller can catch it, and `aclose()` stops at the first "
            "connection, so the others are left to the collector."
        ),
        expected=(
            "Collecting a client never starts work on a loop that is not its own. A client that was left open is "
            "reported once, for example by a ResourceWarning that names it."
        ),
    )
