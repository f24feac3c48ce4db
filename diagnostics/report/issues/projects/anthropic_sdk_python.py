"""anthropic-sdk-python: no form; versions, script and trace are what its threads ask for."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Field, Project
from diagnostics.report.issues.shared_cases import collected_in_run, kept_over_runs

PROJECT = Project(
    name="anthropic-sdk-python",
    repository="anthropics/anthropic-sdk-python",
    start="issues/new",
    form=(
        Field("What happens", ("what", "whose", "expected", "actual")),
        Field("Versions", ("system", "python", "versions")),
        Field("Script", ("steps", "script")),
        Field("Trace", ("output",)),
        Field("Where else, and what helps", ("matrix", "timeline", "fix", "made")),
    ),
    cases=(
        collected_in_run("AsyncAnthropic"),
        kept_over_runs(
            "AsyncAnthropic",
            "they reach the server, but their answers reach no caller, and the SDK sends each of them again.",
            title="One AsyncAnthropic client in two asyncio.run: each request of the second is sent twice",
            whose=(
                "That the client outlives its loop is the program's doing. What the SDK could do is to say so instead "
                "of sending the same request twice."
            ),
        ),
    ),
    providers=("anthropic",),
    package="anthropic",
    needs=("anthropic",),
    shown=("anthropic", "httpx2", "httpcore2", "httpx", "httpcore", "anyio"),
    words={
        "imports": "from anthropic import AsyncAnthropic",
        "make": 'AsyncAnthropic(api_key="none", base_url=URL)',
        "call": 'await client.messages.create(model="m", max_tokens=8, messages=[{"role": "user", "content": "ping"}])',
        "answer": """{
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "pong"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}""",
    },
)
