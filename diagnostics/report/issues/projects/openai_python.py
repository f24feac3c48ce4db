"""openai-python: its form, and the two cases that its client shows."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Field, Project
from diagnostics.report.issues.shared_cases import CHAT_COMPLETION, collected_in_run, kept_over_runs

PROJECT = Project(
    name="openai-python",
    repository="openai/openai-python",
    start="issues/new?template=bug_report.yml",
    form=(
        Field(
            "Confirm this is an issue with the Python library and not an underlying OpenAI API",
            boxes=("This is an issue with the Python library",),
        ),
        Field("Describe the bug", ("what", "whose", "expected", "actual", "matrix", "timeline", "fix", "made")),
        Field("To Reproduce", ("steps", "output")),
        Field("Code snippets", ("script",)),
        Field("OS", ("system",)),
        Field("Python version", ("python",)),
        Field("Library version", ("versions",)),
    ),
    cases=(
        collected_in_run("AsyncOpenAI"),
        kept_over_runs(
            "AsyncOpenAI",
            "they reach the server, but their answers reach no caller, or the SDK sends each of them again.",
            title="One AsyncOpenAI client in two asyncio.run: requests are sent whose answers are lost",
            whose=(
                "That the client outlives its loop is the program's doing. What the SDK could do is to say so before "
                "it sends requests whose answers are lost."
            ),
        ),
    ),
    providers=("openai",),
    package="openai",
    needs=("openai",),
    shown=("openai", "httpx2", "httpcore2", "httpx", "httpcore", "anyio"),
    words={
        "imports": "from openai import AsyncOpenAI",
        "make": 'AsyncOpenAI(api_key="none", base_url=URL + "/v1")',
        "call": 'await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "ping"}])',
        "answer": CHAT_COMPLETION,
    },
)
