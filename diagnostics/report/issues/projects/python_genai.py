"""python-genai: its form, and the connections that its client leaves behind on every loop but the last."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Case, Field, Project
from diagnostics.report.issues.shared_cases import SENT_AND_LOST, collected_in_run, kept_over_runs

PROJECT = Project(
    name="python-genai",
    repository="googleapis/python-genai",
    start="issues/new",
    form=(
        Field("Description", ("what", "whose", "expected", "actual")),
        Field("Environment details", ("language", "system", "python", "versions")),
        Field("Steps to reproduce", ("steps", "script", "output")),
        Field("Where else, and what helps", ("matrix", "timeline", "fix", "made")),
    ),
    cases=(
        collected_in_run("google.genai.Client"),
        Case(
            scenario="repeated-run",
            template="left_open",
            title="A client used on several event loops leaves the connections of each open, also after aio.aclose()",
            what=(
                "One google.genai Client is used in several calls of asyncio.run. It makes an HTTP client for each "
                "loop, and closes none of them when their loop closes; nothing is raised. aio.aclose() at the end "
                "does not close all of them either: they stay open until the collector comes."
            ),
            expected="aio.aclose() closes every connection of the client, or the client says that some are left open.",
        ),
        kept_over_runs(
            "google.genai.Client",
            SENT_AND_LOST,
            title="One client in two asyncio.run: requests are sent whose answers are lost",
            whose="That the client outlives its loop is the program's doing.",
        ),
    ),
    providers=("google-genai",),
    package="google-genai",
    needs=("google-genai",),
    shown=("google-genai", "httpx2", "httpcore2", "httpx", "httpcore", "aiohttp", "anyio"),
    words={
        "imports": "from google import genai",
        "make": 'genai.Client(api_key="none", http_options=genai.types.HttpOptions(base_url=URL))',
        "call": 'await client.aio.models.generate_content(model="m", contents="ping")',
        "close": "client.aio.aclose()",
        "answer": '{"candidates": [{"content": {"role": "model", "parts": [{"text": "pong"}]}}]}',
    },
)
