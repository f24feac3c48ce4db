"""aiohttp: its form, and a session that is kept over two loops."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Field, Project
from diagnostics.report.issues.shared_cases import kept_over_runs

PROJECT = Project(
    name="aiohttp",
    repository="aio-libs/aiohttp",
    start="issues/new?template=bug_report.yml",
    form=(
        Field("Describe the bug", ("what", "whose")),
        Field("To Reproduce", ("steps", "script")),
        Field("Expected behavior", ("expected",)),
        Field("Logs/tracebacks", ("actual", "output")),
        Field("Python Version", ("python",)),
        Field("aiohttp Version", ("version:aiohttp",)),
        Field("multidict Version", ("version:multidict",)),
        Field("yarl Version", ("version:yarl",)),
        Field("OS", ("system",)),
        Field("Related component", ("client",)),
        Field("Additional context", ("matrix", "timeline", "fix", "made")),
        Field("Code of Conduct", boxes=("I agree to follow the aio-libs Code of Conduct",)),
    ),
    cases=(
        kept_over_runs(
            "aiohttp.ClientSession",
            "every call of the second run, and of all later ones, raises 'Event loop is closed' before it is sent.",
            title="ClientSession on a second event loop: 'Event loop is closed' in every call from then on",
            whose=(
                "A session belongs to one loop, as its documentation says, and a program that keeps it longer is to be "
                "changed. What is asked for is the error: it does not say that the session belongs to another loop."
            ),
        ),
    ),
    providers=("google-genai",),
    package="aiohttp",
    needs=("aiohttp",),
    shown=("aiohttp", "multidict", "yarl"),
    words={
        "imports": "import aiohttp",
        "make": "aiohttp.ClientSession()",
        "call": """async with client.get(URL) as response:
        await response.read()""",
        "answer": '{"answer": "pong"}',
    },
)
