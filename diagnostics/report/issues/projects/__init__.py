"""The projects that an issue can be written for: one file a project, one row here."""

from __future__ import annotations

from typing import Final

from diagnostics.report.issues.issue_model import Project
from diagnostics.report.issues.projects import (
    aiohttp,
    anthropic_sdk_python,
    anyio,
    cpython,
    httpcore,
    httpx,
    httpx2,
    openai_python,
    pydantic_ai,
    python_genai,
)

PROJECTS: Final[dict[str, Project]] = {
    module.PROJECT.name: module.PROJECT
    for module in (
        openai_python,
        anthropic_sdk_python,
        python_genai,
        httpx2,
        httpx,
        httpcore,
        anyio,
        aiohttp,
        cpython,
        pydantic_ai,
    )
}
