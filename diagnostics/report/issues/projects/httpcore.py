"""httpcore: starts as a discussion; its issues name the discussion that they came from."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Project
from diagnostics.report.issues.shared_cases import DISCUSSED, SENT_AND_LOST, kept_over_runs

PROJECT = Project(
    name="httpcore",
    repository="encode/httpcore",
    start="discussions/new/choose",
    form=DISCUSSED,
    cases=(
        kept_over_runs(
            "httpcore.AsyncConnectionPool",
            SENT_AND_LOST,
            title="AsyncConnectionPool on a second event loop: the request is sent, then a bare RuntimeError",
            whose=(
                "A pool belongs to one loop, by design, and the code that keeps it longer has to change: the program "
                "or the client library that holds the pool. The request is about the error: nothing says that the "
                "connection belongs to another loop, and the request has been received by then."
            ),
        ),
    ),
    providers=("httpx",),
    package="httpcore",
    needs=("httpcore",),
    shown=("httpcore", "anyio", "h11"),
    words={
        "imports": "import httpcore",
        "make": "httpcore.AsyncConnectionPool()",
        "call": 'assert (await client.request("GET", URL)).status == 200',
        "answer": '{"answer": "pong"}',
        "dependencies": "httpcore[asyncio]",
    },
)
