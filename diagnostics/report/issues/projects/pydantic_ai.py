"""pydantic-ai: its form, and the HTTP client that a provider keeps for its agents, whichever loop they run on."""

from __future__ import annotations

from diagnostics.report.issues.issue_model import Field, Project
from diagnostics.report.issues.shared_cases import CHAT_COMPLETION, kept_over_runs

PROJECT = Project(
    name="pydantic-ai",
    repository="pydantic/pydantic-ai",
    start="issues/new?template=bug.yaml",
    form=(
        Field(
            "Initial Checks",
            boxes=(
                "I'm using the latest version of Pydantic AI",
                "I've searched for my issue in the issue tracker before opening this issue",
            ),
        ),
        Field("Description", ("what", "whose", "expected", "actual", "matrix", "timeline", "fix", "made")),
        Field("Minimal, Reproducible Example", ("steps", "script", "output")),
        Field("Logfire Trace", ("none",)),
        Field("Python, Pydantic AI & LLM client version", ("python", "versions", "system")),
    ),
    cases=(
        kept_over_runs(
            "Agent",
            "they reach the server, and the OpenAI SDK sends each of them again, or raises.",
            title="One Agent in two asyncio.run: its provider's HTTP client outlives the first loop",
            whose="",
        ),
    ),
    providers=("openai",),
    package="pydantic-ai-slim",
    needs=("pydantic-ai-slim", "openai"),
    shown=("pydantic-ai-slim", "openai", "httpx2", "httpcore2", "httpx", "anyio"),
    words={
        "dependencies": "pydantic-ai-slim[openai]",
        "imports": """from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider""",
        "make": 'Agent(OpenAIChatModel("m", provider=OpenAIProvider(api_key="none", base_url=URL + "/v1")))',
        "call": 'await client.run("ping")',
        "answer": CHAT_COMPLETION,
    },
)
