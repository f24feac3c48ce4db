"""CPython: its form, and the standard library alone: a transport that is closed after its loop."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Case, Field, Project

PROJECT = Project(
    name="cpython",
    repository="python/cpython",
    start="issues/new?template=bug.yml",
    form=(
        Field(
            "Checklist",
            boxes=(
                "I am confident this is a bug in CPython, not a bug in a third-party project",
                "I have searched the CPython issue tracker, and am confident this bug has not been reported before",
            ),
        ),
        Field("CPython versions tested on:", ("tested",)),
        Field("Operating systems tested on:", ("system",)),
        Field("Output from running `python -VV` on the command line:", ("python",)),
        Field(
            "A clear and concise description of the bug:",
            ("what", "whose", "steps", "script", "output", "expected", "actual", "matrix", "timeline", "fix", "made"),
        ),
    ),
    cases=(
        Case(
            scenario="repeated-run",
            template="kept_stream",
            title="StreamWriter.close() after its event loop is closed: 'Event loop is closed' names neither loop",
            what=(
                "A connection of asyncio.open_connection that was opened in one call of asyncio.run is closed in the "
                "next. Its transport schedules the end of the connection on the loop it was made on; asyncio.run has "
                "closed that loop, so close() raises 'Event loop is closed', though the loop that runs is open."
            ),
            expected=(
                "An error, but one that says that the transport belongs to another loop than the running one. The "
                "documentation could say of streams and transports what it says of tasks: that they belong to a loop."
            ),
            whose=(
                "This is not a bug of CPython: a transport belongs to the loop that made it, asyncio.run closes its "
                "loop as documented, and the check is right. The code that keeps the connection longer than its "
                "loop has to change. The request here is a clearer message."
            ),
        ),
    ),
    providers=("httpx", "httpx2", "openai", "anthropic", "google-genai"),
    package="",
    needs=(),
    shown=(),
    words={
        "open": "return (await asyncio.open_connection(*address))[1]",
        "close": "writer.close()",
        "kept": "writer",
        "run": "asyncio.run",
        "call": "()",
        "pass_on": "(writer)",
        "versions": 'f"python {platform.python_version()}"',
    },
)
