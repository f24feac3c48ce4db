"""anyio: its form, and a connection that is opened on one loop and closed on the next, without any other package."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Case, Field, Project

PROJECT = Project(
    name="anyio",
    repository="agronholm/anyio",
    start="issues/new?template=bug_report.yaml",
    form=(
        Field(
            "Things to check first",
            boxes=(
                "I have searched the existing issues and didn't find my bug already reported there",
                "I have checked that my bug is still present in the latest release",
            ),
        ),
        Field("AnyIO version", ("versions",)),
        Field("Python version", ("python", "system")),
        Field("What happened?", ("what", "whose", "expected", "actual", "matrix", "timeline", "fix", "made")),
        Field("How can we reproduce the bug?", ("steps", "script", "output")),
    ),
    cases=(
        Case(
            scenario="repeated-run",
            template="kept_stream",
            title="aclose() of a stream whose event loop is closed raises and leaves the socket open",
            what=(
                "A TCP stream that was opened in one call of anyio.run is closed in the next. aclose() calls the "
                "asyncio transport, which belongs to the first loop; that loop is closed, so it raises 'Event loop is "
                "closed'. This is what httpx, httpcore and the SDKs on them show when a pool outlives its loop."
            ),
            expected="Nothing better: a stream belongs to its loop. At most, that the socket is closed all the same.",
            whose=(
                "This is not a bug of AnyIO: it passes on what asyncio says. The stream was kept longer than its loop, "
                "by a pool of httpcore or httpcore2, or by the program that keeps the client."
            ),
        ),
    ),
    providers=("httpx", "httpx2"),
    package="anyio",
    needs=("anyio",),
    shown=("anyio",),
    words={
        "imports": "import anyio",
        "open": "return await anyio.connect_tcp(*address)",
        "close": "await stream.aclose()",
        "kept": "stream",
        "run": "anyio.run",
        "call": "",
        "pass_on": ", stream",
        "versions": "f\"python {platform.python_version()}, anyio {importlib.metadata.version('anyio')}\"",
    },
)
