"""httpx: starts as a discussion; its issues name the discussion that they came from."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Project
from diagnostics.report.issues.shared_cases import DISCUSSED, SENT_AND_LOST, kept_over_runs

PROJECT = Project(
    name="httpx",
    repository="encode/httpx",
    start="discussions/new/choose",
    form=DISCUSSED,
    cases=(
        kept_over_runs(
            "httpx.AsyncClient",
            SENT_AND_LOST,
            title="AsyncClient on a second event loop: the request is sent, then a bare RuntimeError",
            whose=(
                "A client belongs to one loop, by design, and a program that keeps it longer has to change. The "
                "request is about the error: nothing says which client, or that it belongs to another loop, and the "
                "request has been received by then."
            ),
        ),
    ),
    providers=("httpx",),
    package="httpx",
    needs=("httpx",),
    shown=("httpx", "httpcore", "anyio"),
    words={
        "imports": "import httpx",
        "make": "httpx.AsyncClient()",
        "call": "(await client.get(URL)).raise_for_status()",
        "answer": '{"answer": "pong"}',
    },
)
